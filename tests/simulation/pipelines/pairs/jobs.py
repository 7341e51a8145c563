"""The jobs of the simulation's pipeline of two branches."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from gristmill.task import Task


def twice(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write each line doubled."""
    _fail(parameters, task)
    sink.writelines(line.rstrip(b"\n") * 2 + b"\n" for line in source)


def back(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write each line backwards."""
    _fail(parameters, task)
    sink.writelines(line.rstrip(b"\n")[::-1] + b"\n" for line in source)


def _fail(parameters: Mapping[str, Any], task: Task) -> None:
    if task.number == 0 and task.attempt < parameters["failing"]:
        raise ValueError(f"attempt {task.attempt} is to fail")
