"""A job that goes wrong on request."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

Parameters = Mapping[str, Any]


def copy(source: BinaryIO, sink: BinaryIO, parameters: Parameters) -> None:
    """Copy the lines; at a line that says BAD do what `mode` asks for."""
    for line in source:
        if b"BAD" in line:
            MODES[parameters["mode"]](sink, parameters)
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


def _twice(sink: BinaryIO, parameters: Parameters) -> None:
    if tries(parameters) < 2:
        raise ValueError("the grain is still wet")


def _hang(sink: BinaryIO, parameters: Parameters) -> None:
    tries(parameters)
    time.sleep(3600)


def _kill(sink: BinaryIO, parameters: Parameters) -> None:
    if tries(parameters) < 1:
        os.kill(os.getpid(), signal.SIGKILL)


def _write_then_die(sink: BinaryIO, parameters: Parameters) -> None:
    sink.write(b"half a line that must never be seen\n" * 10_000)
    if tries(parameters) < 1:
        os.kill(os.getpid(), signal.SIGKILL)


def _slow(sink: BinaryIO, parameters: Parameters) -> None:
    tries(parameters)
    time.sleep(1)


MODES: dict[str, Callable[[BinaryIO, Parameters], None]] = {
    "none": _none,
    "always": _always,
    "twice": _twice,
    "hang": _hang,
    "kill": _kill,
    "write-then-die": _write_then_die,
    "slow": _slow,
}
