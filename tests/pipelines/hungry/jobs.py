"""A job that holds memory."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from gristmill.task import Task

_MIB = 1024**2
_HELD = 3.0  # seconds, in which whoever keeps the limit looks


def eat(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Hold so many MiB for a while, or be killed in the first attempt; write the line."""
    line = source.read()
    word = line.strip().decode()
    (Path(parameters["marks"]) / f"{task.number}-{task.attempt}").touch()
    if word == "KILLED":
        if task.attempt == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    elif int(word):
        held = bytearray(int(word) * _MIB)
        held[::4096] = b"x" * len(held[::4096])
        time.sleep(_HELD)
    sink.write(line)
