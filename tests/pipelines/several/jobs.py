"""Jobs of several outputs."""

from collections.abc import Mapping
from typing import Any, BinaryIO


def sort(source: BinaryIO, sinks: Mapping[str, BinaryIO], parameters: Mapping[str, Any]) -> None:
    """Write lines of even numbers, a table of all, and a note; a line that says BAD fails when all is written."""
    sinks["table"].write(b"number,is_even\n")
    lines = source.readlines()
    for line in lines:
        number = int(line.split()[-1])
        if number % 2 == 0:
            sinks["even"].write(line)
        sinks["table"].write(b"%d,%d\n" % (number, number % 2 == 0))
    sinks["notes"].write(b"%d lines" % len(lines))
    if any(line.startswith(b"BAD") for line in lines):
        raise ValueError("the grain is wet")


def upper(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write in capitals."""
    sink.write(source.read().upper())
