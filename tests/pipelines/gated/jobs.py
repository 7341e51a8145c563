"""A job that waits for its test."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO


def copy(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Copy the lines and note each; one that says WAIT waits for the gate."""
    marks = Path(parameters["marks"])
    for line in source:
        (marks / f"{line.decode().strip()}-{time.monotonic_ns()}").touch()
        while b"WAIT" in line and not marks.with_suffix(".open").exists():
            time.sleep(0.02)
        sink.write(line)
