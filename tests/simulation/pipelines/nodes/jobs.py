"""The jobs of the simulation's pipeline with a multi-node job."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from gristmill.task import Task
from tests.simulation.seams import world


def solve(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write each line behind the number of the try, half of them after a while; fail between where that is wanted."""
    lines, kernel = list(source), world().kernel
    nth, half = world().tries_of(task.number), len(lines) // 2
    sink.writelines(b"%d:%s" % (nth, line) for line in lines[:half])
    sink.flush()
    kernel.sleep(kernel.soon(2) * world().by.slow)
    if task.attempt < parameters["failing"]:
        raise ValueError(f"attempt {task.attempt} is to fail")
    sink.writelines(b"%d:%s" % (nth, line) for line in lines[half:])


def count(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write each line behind its length."""
    sink.writelines(b"%d %s" % (len(line), line) for line in source)
