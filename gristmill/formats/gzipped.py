"""Reading gzip: its members one after another as one stream, zeros behind the last one left out."""

import io
import zlib
from typing import BinaryIO

from gristmill.formats.names import GZIP_MAGIC
from gristmill.formats.reader import UNKNOWN_SIZE, Damaged, View
from gristmill.limits import HEADER_MAX, MIB

OF_DATA = " of the decompressed data"
_WITH_HEADER = 31  # zlib's wbits: a gzip header, and its checksum held against the data
_READ = MIB // 16
_MEND = "Check the file with gzip -t, and compress or copy it again."


class Inflated:
    """The data of a gzip file, from a stream of all its bytes; Damaged where it breaks off or is broken."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._member = zlib.decompressobj(_WITH_HEADER)
        self._ended = True  # no member is open
        self._ahead = b""  # read and not decompressed yet
        self._place = 0  # of the first byte that is ahead

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, at least 1; none at the end."""
        while size and not (self._ended and not self._begin()):
            is_last = not self._fill(1)
            data = self._inflate(size)
            if data:
                return data
            if is_last and not self._ended:
                raise Damaged(None, self._place, "the gzip file is cut off here, in the middle of its data", _MEND)
        return b""

    def _begin(self) -> bool:
        """Begin the next member; return whether there is one."""
        while self._place and self._fill(1) and not self._ahead[0]:  # zeros fill the last block of a tape or a disk
            rest = self._ahead.lstrip(b"\0")
            self._place += len(self._ahead) - len(rest)
            self._ahead = rest
        if not self._fill(len(GZIP_MAGIC)):
            return False
        if not self._ahead.startswith(GZIP_MAGIC):
            raise Damaged(None, self._place, "what follows the gzip data from here on is not gzip", "Remove it.")
        self._member, self._ended = zlib.decompressobj(_WITH_HEADER), False
        return True

    def _fill(self, size: int) -> bytes:
        """Have `size` bytes ahead, if there are so many; return what is ahead."""
        while len(self._ahead) < size and (block := self._stream.read(_READ)):
            self._ahead += block
        return self._ahead

    def _inflate(self, size: int) -> bytes:
        try:
            data = self._member.decompress(self._ahead, size)
        except zlib.error as error:
            what = (
                "does not agree with its checksum"
                if str(error).endswith(("data check", "length check"))
                else "is damaged"
            )
            raise Damaged(None, self._place, f"the gzip data {what} at or behind this byte", _MEND) from error
        self._ended = self._member.eof
        rest = self._member.unused_data if self._ended else self._member.unconsumed_tail
        self._place += len(self._ahead) - len(rest)
        self._ahead = rest
        return data


def data_view(data: bytes) -> View:
    """Return a view of decompressed data by its first bytes: all of it, or more than HEADER_MAX."""
    size = len(data) if len(data) <= HEADER_MAX else UNKNOWN_SIZE
    return View(size, lambda low, high: data[low:high], lambda place: io.BytesIO(data[place:]))


def head_of(view: View) -> bytes:
    """Return the first bytes of a gzip file's data: all, or more than HEADER_MAX."""
    data = bytearray()
    with view.open(0) as stream:
        inflated = Inflated(stream)
        while len(data) <= HEADER_MAX and (block := inflated.read(HEADER_MAX + 1 - len(data))):
            data += block
    return bytes(data)
