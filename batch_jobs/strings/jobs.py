"""Repeat and reverse lines, a block of whole lines at a time: no loop over lines, no line held twice.

A line ends with LF or CRLF; its end stays where it was. The last line may lack its end.
"""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

_BLOCK = 1024**2


def repeat(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write each line twice in a row on the same line. Bytes are enough: no text is decoded."""
    for block in whole_lines(source):
        lines = block.split(b"\n")
        if b"\r" in block:
            # a carriage return before LF belongs to the line's end; one in the last, unfinished line does not
            lines[:-1] = [line[:-1] + line if line.endswith(b"\r") else line + line for line in lines[:-1]]
            lines[-1] *= 2
        else:
            lines = [line + line for line in lines]
        sink.write(b"\n".join(lines))


def reverse(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write each line's characters (Unicode code points) in reverse order; the input must be UTF-8."""
    place = 0
    for block in whole_lines(source):
        try:
            text = block.decode()
        except UnicodeDecodeError as error:
            raise ValueError(_not_utf8(block, place, error)) from error
        sink.write(reverse_lines(text).encode())
        place += len(block)


def reverse_lines(text: str) -> str:
    """Reverse each line of a text. The text is reversed as a whole, then the order of its lines is put back."""
    lines = text[::-1].split("\n")
    lines.reverse()
    if "\r" in text:
        lines[:-1] = [line[1:] + "\r" if line.startswith("\r") else line for line in lines[:-1]]
    return "\n".join(lines)


def whole_lines(source: BinaryIO) -> Iterator[bytes]:
    """Yield blocks that end with LF, the last one maybe without; a line longer than a block makes its block longer."""
    parts: list[bytes] = []
    while block := source.read(_BLOCK):
        cut = block.rfind(b"\n") + 1
        if cut:
            yield b"".join([*parts, block[:cut]])
            parts = []
        if cut < len(block):
            parts.append(block[cut:])
    if parts:
        yield b"".join(parts)


def _not_utf8(block: bytes, place: int, error: UnicodeDecodeError) -> str:
    line = block.count(b"\n", 0, error.start)
    return (
        f"not UTF-8 at byte {place + error.start} of this task's input ({error.reason}), "
        f"line {line} of its block at byte {place}; convert the file to UTF-8 and drop it again"
    )
