"""The function of the test pipeline."""

from collections.abc import Mapping
from typing import Any, BinaryIO


def copy(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write what is read."""
    sink.write(source.read())
