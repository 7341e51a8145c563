"""The function of the test pipeline."""

from collections.abc import Mapping
from typing import Any, BinaryIO


def echo(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write the parameter."""
    sink.write(parameters["word"].encode())
