"""Jobs of the pipeline `joins`."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from gristmill.task import Task


def upper(source: BinaryIO, sink: BinaryIO, _parameters: Mapping[str, Any]) -> None:
    """Write in capitals."""
    sink.write(source.read().upper())


def count(source: BinaryIO, sink: BinaryIO, _parameters: Mapping[str, Any]) -> None:
    """Write how many words there are."""
    sink.write(f"{len(source.read().split())}\n".encode())


def pair(source: BinaryIO, sink: BinaryIO, _parameters: Mapping[str, Any], task: Task) -> None:
    """Write the input, and what lies beside it."""
    sink.write(source.read() + b"".join(task.inputs[name].read_bytes() for name in ("word_count", "depth", "all")))
