"""The jobs of the simulation's pipeline of two branches."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from gristmill.task import Task


def twice(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write each line doubled."""
    sink.writelines(line * 2 + b"\n" for line in _lines(source, sink, parameters, task))


def back(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write each line backwards."""
    sink.writelines(line[::-1] + b"\n" for line in _lines(source, sink, parameters, task))


def forth(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write each line as it is."""
    sink.writelines(line + b"\n" for line in _lines(source, sink, parameters, task))


def _lines(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> list[bytes]:
    """Return the lines, without the first one where it is to be lost; fail in their middle where that is wanted."""
    lines = [line.rstrip(b"\n") for line in source]
    if task.number == 0 and task.attempt < parameters["failing"]:
        sink.write(b"what a task that fails has written\n")
        raise ValueError(f"attempt {task.attempt} is to fail")
    return lines[1:] if task.number == 0 and task.attempt < parameters["losing"] else lines
