"""Jobs whose outputs can be told at sight."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO


def copy(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Copy the input."""
    sink.write(source.read())


def double(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write what is on each line twice, once the gate is open."""
    gate = parameters["gate"]
    if gate:
        Path(gate).with_suffix(".waits").touch()
    while gate and not Path(gate).exists():
        time.sleep(0.02)
    for line in source:
        sink.write(2 * line.rstrip(b"\n") + b"\n")
