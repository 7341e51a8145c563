"""How the records of an output end: where its last one lacks its end, the next task's first would be glued to it."""

import zlib
from codecs import getincrementaldecoder
from collections.abc import Callable

from gristmill.errors import Refused
from gristmill.formats.tokens import LINE_END
from gristmill.limits import MIB

_RETURN = b"\r"
_GZIP = 31  # zlib's window bits for a member of gzip
_BGZF_HEAD = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0"  # SAM specification, section 4.1; the size follows


class RecordEnd:
    """Watches an output of lines, as it is without compression."""

    def __init__(self) -> None:
        self._last = b""
        self._returns = False
        self._decoder = getincrementaldecoder("utf-8")()
        self._is_text = True

    def feed(self, block: bytes) -> None:
        """Take the next bytes."""
        place = block.rfind(LINE_END)
        if place >= 0:
            self._returns = (block[place - 1 : place] if place else self._last) == _RETURN
        self._last = block[-1:] or self._last
        if self._is_text:
            self._is_text = b"\0" not in block and self._decodes(block)

    def is_text(self) -> bool:
        """Return whether the output is UTF-8, without the NUL that no text has."""
        return self._is_text and self._decodes(b"", final=True)

    def missing(self) -> bytes:
        """Return what the last record lacks of its end, in the way of the others."""
        if self._last in (b"", LINE_END):
            return b""
        return _RETURN + LINE_END if self._returns and self._last != _RETURN else LINE_END

    def _decodes(self, block: bytes, *, final: bool = False) -> bool:
        try:
            self._decoder.decode(block, final)
        except UnicodeDecodeError:
            return False
        return True


class Inflater:
    """Passes on what an output of gzip holds, member by member."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._member = zlib.decompressobj(_GZIP)
        self._inside = False

    def feed(self, block: bytes) -> None:
        """Take the next bytes; Refused where they are no gzip."""
        while block := block if self._inside else block.lstrip(b"\0"):  # between members, zeros are padding
            self._inside = True
            try:
                self._take(self._member.decompress(block, MIB))
            except zlib.error as error:
                raise Refused([f"the output begins as gzip, but is none ({error})"], _GZIP_MEND) from error
            block = self._member.unconsumed_tail
            if self._member.eof:
                block, self._inside = self._member.unused_data, False
                self._member = zlib.decompressobj(_GZIP)

    def finish(self) -> None:
        """Take the end; Refused in the middle of a member."""
        if self._inside:
            self._take(self._member.flush())
            if not self._member.eof:
                raise Refused(["the output is gzip that breaks off"], _GZIP_MEND)


_GZIP_MEND = "Close what compresses it before the task ends."


def gzip_member(data: bytes) -> bytes:
    """Return a few bytes as a member of gzip that may stand among the blocks of BGZF, too."""
    deflate = zlib.compressobj(wbits=-15)
    body = deflate.compress(data) + deflate.flush()
    size = len(_BGZF_HEAD) + 2 + len(body) + 8
    sums = zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")
    return _BGZF_HEAD + (size - 1).to_bytes(2, "little") + body + sums
