"""Jobs that read their mates and a genome."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from gristmill.task import Task


def join(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write the name of each read and the sequence of its mate."""
    assert task.inputs["genome"].stat().st_size
    reads = source.read().splitlines()
    mates = task.inputs["mates"].read_bytes().splitlines()
    for name, sequence in zip(reads[::4], mates[1::4], strict=True):
        sink.write(name + b" " + sequence + b"\n")
