"""A job that goes wrong on request."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from gristmill.errors import Refused

Parameters = Mapping[str, Any]


def copy(source: BinaryIO, sink: BinaryIO, parameters: Parameters) -> None:
    """Copy the lines; at a line that says BAD do what `mode` asks for."""
    for line in source:
        if b"BAD" in line and MODES[parameters["mode"]](sink, parameters):
            continue
        sink.write(line)


def tries(parameters: Parameters) -> int:
    """Note one more try and return how many there were before."""
    folder = Path(parameters["marks"])
    before = len(list(folder.iterdir()))
    (folder / f"{before}-{os.getpid()}-{time.monotonic_ns()}").touch()
    return before


def _none(sink: BinaryIO, parameters: Parameters) -> None:
    """Go on."""


def _always(sink: BinaryIO, parameters: Parameters) -> None:
    tries(parameters)
    raise ValueError("the grain is wet")


def _refuse(sink: BinaryIO, parameters: Parameters) -> None:
    tries(parameters)
    raise Refused(["the grain is barley, not wheat"], "Grind wheat.")


def _until_mended(sink: BinaryIO, parameters: Parameters) -> None:
    if not (Path(parameters["marks"]) / "mended").exists():
        raise Refused(["the sieve has a hole"], "Mend the sieve.")


def _hang_until_mended(sink: BinaryIO, parameters: Parameters) -> None:
    tries(parameters)
    while not (Path(parameters["marks"]) / "mended").exists():
        time.sleep(0.05)


def _twice(sink: BinaryIO, parameters: Parameters) -> None:
    if tries(parameters) < 2:
        raise ValueError("the grain is still wet")


def _exit(sink: BinaryIO, parameters: Parameters) -> None:
    tries(parameters)
    os.write(1, b"the mill wheel is broken\n")
    sys.exit(3)


def _hang(sink: BinaryIO, parameters: Parameters) -> None:
    tries(parameters)
    time.sleep(3600)


def _stubborn(sink: BinaryIO, parameters: Parameters) -> None:
    """Hang, the first time, in a way that no exception ends."""
    while tries(parameters) < 1:
        with contextlib.suppress(BaseException):
            time.sleep(3600)
        time.sleep(3600)


def _kill(sink: BinaryIO, parameters: Parameters) -> None:
    if tries(parameters) < 1:
        os.kill(os.getpid(), signal.SIGKILL)


def _kill_always(sink: BinaryIO, parameters: Parameters) -> None:
    tries(parameters)
    os.write(1, b"about to fall off\n")
    os.kill(os.getpid(), signal.SIGKILL)


def _write_then_die(sink: BinaryIO, parameters: Parameters) -> None:
    if tries(parameters) < 1:
        sink.write(b"half a line that must never be seen\n" * 10_000)
        sink.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def _lose(sink: BinaryIO, parameters: Parameters) -> bool:
    """Lose the line and say nothing."""
    return True


MODES: dict[str, Callable[[BinaryIO, Parameters], bool | None]] = {
    "none": _none,
    "always": _always,
    "refuse": _refuse,
    "until-mended": _until_mended,
    "hang-until-mended": _hang_until_mended,
    "twice": _twice,
    "exit": _exit,
    "hang": _hang,
    "stubborn": _stubborn,
    "kill": _kill,
    "kill-always": _kill_always,
    "write-then-die": _write_then_die,
    "lose": _lose,
}
