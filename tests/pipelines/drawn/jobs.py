"""A job that draws."""

import struct
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO


def dot(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write a PNG of one pixel, as grey as the line is long (PNG specification, section 11.2)."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixel = zlib.compress(bytes([0, len(source.read()) % 256]))
    sink.write(b"\x89PNG\r\n\x1a\n")
    for kind, body in ((b"IHDR", header), (b"IDAT", pixel), (b"IEND", b"")):
        sink.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))


def scripted(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write an SVG with a script in it."""
    source.read()
    sink.write(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>')
