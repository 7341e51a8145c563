"""The jobs of the two-stage test pipeline."""

from collections.abc import Mapping
from typing import Any, BinaryIO

import counting


def upper(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write each line in capitals."""
    for line in source:
        sink.write(line.upper())


def count(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write each line behind its number of words."""
    for line in source:
        sink.write(b"%d %s" % (counting.words(line), line))
