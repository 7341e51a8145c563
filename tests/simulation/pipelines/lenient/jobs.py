"""The jobs of the simulation's pipeline that leaves out a task."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from gristmill.task import Task


def pick(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write the lines as they are; fail behind them where that is wanted."""
    sink.write(source.read())
    if task.number == 0 and task.attempt < parameters["failing"]:
        raise ValueError(f"attempt {task.attempt} is to fail")


def count(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write each line behind its length."""
    sink.writelines(b"%d %s" % (len(line), line) for line in source)


def pack(source: BinaryIO, sinks: Mapping[str, BinaryIO], parameters: Mapping[str, Any]) -> None:
    """Write each line as it is, and its length."""
    for line in source:
        sinks["text"].write(line)
        sinks["sizes"].write(b"%d\n" % len(line))
