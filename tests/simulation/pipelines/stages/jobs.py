"""The jobs of the simulation's pipeline of three stages."""

from collections.abc import Mapping
from typing import Any, BinaryIO


def upper(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write each line in capitals."""
    sink.writelines(line.upper() for line in source)


def page(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write the lines as they are."""
    sink.write(source.read())


def count(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write each line behind its length."""
    sink.writelines(b"%d %s" % (len(line), line) for line in source)
