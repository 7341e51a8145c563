"""The job of the simulation's pipeline whose output differs from try to try."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from tests.simulation.seams import world


def drift(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write each line between brackets, behind a mark that no other try writes, of a length of its own."""
    number = world().kernel.number()
    mark = b"%d%s" % (number, b"." * (number % 7))
    sink.writelines(b"<%s|%s>\n" % (mark, line.rstrip(b"\n")) for line in source)
