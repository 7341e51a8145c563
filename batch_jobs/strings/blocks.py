"""Cutting a stream into blocks of whole lines without ever holding a long line."""

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO, BinaryIO

BLOCK = 256 * 1024  # bytes; fits a processor's cache with what is made of it
_LONG = 8 * BLOCK  # bytes; a line longer than this goes to a file


def blocks(source: BinaryIO) -> Iterator[bytes | IO[bytes]]:
    """Yield blocks that end with LF, the last one maybe without; a long line comes alone, in a temporary file."""
    held = b""
    while block := source.read(BLOCK):
        if len(held) + len(block) > _LONG and b"\n" not in block:
            with TemporaryFile() as file:
                held, block = b"", _spill(file, held + block, source)
                yield file
        cut = block.rfind(b"\n") + 1
        if cut:
            yield held + block[:cut]
            held = b""
        held += block[cut:]
    if held:
        yield held


def _spill(file: IO[bytes], begun: bytes, source: BinaryIO) -> bytes:
    """Write the begun line and the rest of it to a file; return what was read beyond its end."""
    file.write(begun)
    while block := source.read(BLOCK):
        cut = block.find(b"\n") + 1
        file.write(block[:cut] if cut else block)
        if cut:
            return block[cut:]
    return b""


def line_end(file: IO[bytes]) -> bytes:
    """Return the end of the line that a file holds: LF, CRLF or nothing."""
    size = file.seek(0, 2)
    file.seek(max(size - 2, 0))
    tail = file.read(2)
    if tail == b"\r\n":
        return tail
    return b"\n" if tail.endswith(b"\n") else b""
