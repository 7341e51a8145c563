"""A job that fails until it is mended."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO


def copy(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Copy the lines; fail at one that says BAD unless the gate exists."""
    for line in source:
        if b"BAD" in line and not Path(parameters["gate"]).exists():
            print("looking at the grain", flush=True)  # noqa: T201 - as a job may
            raise ValueError("the grain is wet")
        sink.write(line)
