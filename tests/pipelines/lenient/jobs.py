"""Jobs that fail in each way there is, where a line says so."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from gristmill.errors import NoSpace, Refused
from gristmill.task import Task

_OWNERS = 10  # attempts are numbered so from one owner of a run to the next


def copy(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write the line; one that says BAD fails each time, one that says ONCE until the run is resumed."""
    line = source.read()
    sink.write(line)
    word = line.split()[0] if line.strip() else b""
    if word == b"BAD" or (word == b"ONCE" and task.attempt < _OWNERS):
        raise ValueError("the grain is wet")
    if word == b"REFUSED":
        raise Refused(["the grain is none"])
    if word == b"EXIT":
        raise SystemExit(3)
    if word == b"SLOW":
        time.sleep(60)
    if word == b"FULL":
        raise NoSpace("the disk is full")
    if word == b"GONE":
        raise ConnectionError("the network is away")
    if word == b"MEMORY":
        raise MemoryError
    if word == b"KILLED":
        os.kill(os.getpid(), signal.SIGKILL)


def count(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write how many lines there are."""
    if parameters["marks"]:
        (Path(parameters["marks"]) / f"{task.attempt}-{task.number}").touch()
    sink.write(b"%d\n" % len(source.readlines()))


def total(source: Iterator[BinaryIO], sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write the sum of all parts."""
    sink.write(b"%d\n" % sum(int(line) for part in source for line in part))
