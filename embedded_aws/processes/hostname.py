"""A host name of its own for a process and what it starts, as every node of a multi-node job has on AWS.

Open MPI tells hosts by their names. Linux gives a process one in a UTS namespace: to root, and to others where it lets
them have user namespaces.
"""

import ctypes
import os
import sys
from pathlib import Path

_NEW_UTS, _NEW_USER = 0x04000000, 0x10000000  # <linux/sched.h>


def take(name: str) -> None:
    """Give this process a host name; OSError where the system does not let it."""
    if sys.platform != "linux":
        raise OSError("only Linux gives a process a host name of its own")
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    _check(libc.unshare(_NEW_UTS if user == 0 else _NEW_UTS | _NEW_USER))
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="utf-8")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="utf-8")
    _check(libc.sethostname(name.encode(), len(name.encode())))


def _check(answer: int) -> None:
    if answer:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def take_if_possible(name: str) -> None:
    """Give this process a host name; where the system does not let it, say so and go on."""
    try:
        take(name)
    except OSError as error:
        sys.stderr.write(f"no host name of its own for this node ({error}); MPI over several local nodes needs one\n")


def main() -> None:
    """Run `python -P -S hostname.py NAME COMMAND...`: take the name, then become the command."""
    name, *command = sys.argv[1:]
    take_if_possible(name)
    os.execvp(command[0], command)  # noqa: S606 - the job's own command


if __name__ == "__main__":
    main()
