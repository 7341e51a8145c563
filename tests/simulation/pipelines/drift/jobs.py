"""The job of the simulation's pipeline whose output differs from try to try."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from gristmill.task import Task
from tests.simulation.seams import world


def drift(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write each line between brackets, behind a mark that is longer with each try of the task."""
    lines = list(source)
    tries = world().tries_of(task.number)
    sink.writelines(b"<%d%s|%s>\n" % (tries, b"." * tries, line.rstrip(b"\n")) for line in lines)
