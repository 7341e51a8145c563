"""Repeat and reverse lines, a block of whole lines at a time; memory stays small however long a line is.

A line ends with LF or CRLF; its end stays where it was. The last line may lack its end.
"""

from collections.abc import Mapping
from typing import IO, Any, BinaryIO

from gristmill.errors import Refused

from .blocks import BLOCK, blocks, line_end


def repeat(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write each line twice in a row on the same line. Bytes are enough: no text is decoded."""
    for block in blocks(source):
        if isinstance(block, bytes):
            sink.write(repeat_lines(block))
        else:
            size = block.seek(0, 2)
            _copy(block, size - len(line_end(block)), sink)
            _copy(block, size, sink)


def repeat_lines(block: bytes) -> bytes:
    """Repeat each line of a block of whole lines."""
    lines = block.split(b"\n")
    if b"\r" in block:
        # a carriage return before LF belongs to the line's end; one in the last, unfinished line does not
        lines[:-1] = [line.removesuffix(b"\r") + line for line in lines[:-1]]
        lines[-1] *= 2
    else:
        lines = [line + line for line in lines]
    return b"\n".join(lines)


def _copy(file: IO[bytes], size: int, sink: BinaryIO) -> None:
    file.seek(0)
    for start in range(0, size, BLOCK):
        sink.write(file.read(min(BLOCK, size - start)))


def reverse(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write each line's characters (Unicode code points) in reverse order; the input must be UTF-8."""
    place, line = 0, 1
    for block in blocks(source):
        if isinstance(block, bytes):
            text, lines = reverse_lines(_decode(block, place, line))
            sink.write(text.encode())
            place += len(block)
            line += lines
        else:
            _reverse_long(block, sink, place, line)
            place += block.seek(0, 2)
            line += 1


def reverse_lines(text: str) -> tuple[str, int]:
    """Reverse each line of a text of whole lines; return it with the number of its line ends.

    The text is reversed as a whole, then the order of its lines is put back: no loop over lines is as fast.
    """
    carriage_returns = text.count("\r\n") if "\r" in text else 0
    end = "\r\n" if carriage_returns == text.count("\n") else "\n"
    lines = text[::-1].split(end[::-1])
    lines.reverse()
    if carriage_returns and end == "\n":  # line ends of both kinds: those with CR have it at their front now
        lines[:-1] = [line[1:] + "\r" if line.startswith("\r") else line for line in lines[:-1]]
    return end.join(lines), len(lines) - 1


def _reverse_long(file: IO[bytes], sink: BinaryIO, place: int, line: int) -> None:
    """Reverse a line that lies in a file, reading it from its back to its front."""
    end = line_end(file)
    back = file.seek(0, 2) - len(end)
    while back > 0:
        start = max(back - BLOCK, 0)
        file.seek(start)
        block = file.read(back - start)
        skip = _split_character(block) if start else 0
        sink.write(_decode(block[skip:], place + start + skip, line)[::-1].encode())
        back = start + skip
    sink.write(end)


def _split_character(block: bytes) -> int:
    """Return how many bytes at a block's start belong to a character that begins before it."""
    skip = next((place for place, byte in enumerate(block[:4]) if byte & 0xC0 != 0x80), 0)
    return skip if skip < len(block) else 0


def _decode(block: bytes, place: int, line: int) -> str:
    try:
        return block.decode()
    except UnicodeDecodeError as error:
        line += block.count(b"\n", 0, error.start)
        where = f"not UTF-8 at byte {place + error.start} of this task's input, in its line {line} ({error.reason})"
        raise Refused([where], "Convert the file to UTF-8 and drop it again.") from error
