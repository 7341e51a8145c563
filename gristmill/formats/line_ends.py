"""Line ends of one carriage return (CR) alone: LF and CRLF end a line, and CR alone is refused where it would be taken
for an end by some readers and not by others.
"""

import re

from gristmill.formats.head import CR_MEND
from gristmill.formats.reader import Malformed

_ALONE = re.compile(rb"\r(?=[^\n])")  # faster than counting both, and it finds the place


def find_lone_cr(block: bytes, before: bytes) -> int | None:
    """Return where the first CR of a block has no LF behind it, -1 if that is `before`, the byte before the block.

    The last byte of a block is left to the next one.
    """
    if before == b"\r" and block[:1] not in (b"\n", b""):
        return -1
    found = _ALONE.search(block)
    return found.start() if found else None


def lone_cr(record: int | None, byte: int) -> Malformed:
    """Return the error of a CR alone."""
    return Malformed(
        record, byte, "a carriage return (CR) stands here without LF: only LF and CRLF end a line", CR_MEND
    )
