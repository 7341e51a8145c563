"""A process that stands above a program and ends what it leaves."""

import os
import signal
import threading

from process_tree.descendants import adopt_orphans, end_descendants


def guard() -> None:
    """Fork, and go on in the new process; the old one stays to end what that leaves, and ends with its exit code.

    Where the old one is killed first, the new one ends all that it has started, and itself.
    """
    guarded, guarding = os.pipe()
    adopt_orphans()
    process = os.fork()
    if process == 0:
        os.close(guarding)
        adopt_orphans()
        threading.Thread(target=_end_with, args=(guarded,), daemon=True).start()
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other one
    while (ended := os.waitpid(-1, 0))[0] != process:
        pass
    end_descendants()
    code = os.waitstatus_to_exitcode(ended[1])
    os._exit(code if code >= 0 else 128 - code)


def _end_with(guarded: int) -> None:
    os.read(guarded, 1)
    end_descendants()
    os._exit(1)
