"""The jobs of the test pipeline."""

import gzip
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO


def write(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write what the task's line gives."""
    sink.write(bytes.fromhex(source.read().decode()))


def join(parts: Iterable[BinaryIO], sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Join the parts as they are."""
    sink.writelines(part.read() for part in parts)


def pack(parts: Iterable[BinaryIO], sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write a compressed table: the bytes of each part in hexadecimal."""
    sink.write(gzip.compress(b"".join(part.read().hex().encode() + b"\n" for part in parts)))


def count(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Copy, so that what comes out counts as what came in."""
    sink.write(source.read())
