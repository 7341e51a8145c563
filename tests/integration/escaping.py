"""Starts programs that try to outlive what started them: `python escaping.py MARK`, a number of digits.

Whatever they do, `600.MARK` is in their command lines.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def background(words: list[str]) -> None:
    subprocess.Popen(words)


def nohup(words: list[str]) -> None:
    subprocess.Popen(["nohup", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def session(words: list[str]) -> None:
    subprocess.Popen(words, start_new_session=True)


def bare(words: list[str]) -> None:
    """Start one that has no variable of ours."""
    subprocess.Popen(words, env={}, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def daemon(words: list[str]) -> None:
    """Start a real daemon under another name, which hears no signal that can be ignored."""
    if (first := os.fork()) == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            os.closerange(0, 64)
            os.execvp(words[0], ["[kworker]", *words[1:]])  # noqa: S606
        os._exit(0)
    os.waitpid(first, 0)


def respawning(words: list[str]) -> None:
    """Start one that is started again when it is killed."""
    loop = f"while :; do {' '.join(words)}; done"
    daemon(["sh", "-c", loop])


WAYS: dict[str, Callable[[list[str]], None]] = {
    item.__name__: item for item in (background, nohup, session, bare, daemon, respawning)
}


def escape(mark: str) -> None:
    for start in WAYS.values():
        start(["sleep", f"600.{mark}"])


def escaped(mark: str) -> list[str]:
    """Return the command lines of those that live."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes()
        except OSError:  # it has just ended
            continue
        if f"600.{mark}".encode() in line and b"escaping" not in line:
            found.append(f"{file.parent.name}: {line.replace(bytes(1), b' ').decode()}")
    return found


if __name__ == "__main__":
    escape(sys.argv[1])
