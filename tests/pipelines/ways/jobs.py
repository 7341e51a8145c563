"""Jobs of the pipeline `ways`."""

from collections.abc import Mapping
from typing import Any, BinaryIO


def wash(source: BinaryIO, sink: BinaryIO, _parameters: Mapping[str, Any]) -> None:
    """Write lines in small letters."""
    sink.write(source.read().lower())


def odd(source: BinaryIO, sink: BinaryIO, _parameters: Mapping[str, Any]) -> None:
    """List the lines that have a question mark."""
    sink.writelines(line for line in source if b"?" in line)
