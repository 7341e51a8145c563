"""The test pipeline's program: writes task, word and line for each line, or fails as it is told."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def main(given: str, made: str, word: str, fault: str, task: str) -> None:
    lines = Path(given).read_text().splitlines()
    sys.stdout.write(f"stdout of task {task}\n")
    sys.stderr.write(f"stderr of task {task}\n")
    if "BAD" in lines:
        fail(fault)
        if fault == "mute":
            return
    Path(made).write_text("".join(f"{task}\t{word}\t{line}\n" for line in lines))


def fail(fault: str) -> None:
    if fault == "exit":
        sys.exit(37)
    if fault == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if fault == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.stdout.write(f"grandchild {subprocess.Popen(['sleep', '60']).pid}\n")
        sys.stdout.flush()
        time.sleep(60)


main(*sys.argv[1:])
