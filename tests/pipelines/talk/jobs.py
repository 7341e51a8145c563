"""A job that prints: much at once, or slowly once it may."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO


def talk(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Print as the line says: `fast 100`, `slow 5`."""
    pace, count = source.read().decode().split()
    while pace == "slow" and not Path(parameters["gate"]).exists():
        time.sleep(0.05)
    for number in range(int(count)):
        print(f"{pace} {number}", flush=True)  # noqa: T201 - as a job may
        time.sleep(0.2 if pace == "slow" else 0)
    sink.write(b"done\n")
