"""Chunked transfer coding with limits: no line of it grows without end, and none is read over and over."""

from typing import Any

from waitress.receiver import ChunkedReceiver
from waitress.utilities import BadRequest

_LINE = 1024  # bytes of a chunk's size and extensions
_TRAILER = 64 * 1024
_PIECE = 4096  # bytes that are handed on at once, where they are not the inside of a chunk


class BoundedReceiver(ChunkedReceiver):  # type: ignore[misc]
    """waitress's own, which copies what is left of its input at each line: it gets little at once."""

    error: Any

    def received(self, data: bytes) -> int:
        """Take bytes, and return how many; all of them once there is an error."""
        place = 0
        while place < len(data) and not self.completed:
            piece = data[place : place + max(self.chunk_remainder, _PIECE)]
            place += super().received(piece)
            self.error = self.error or self._excess()
            if self.error:
                return len(data)
        return place

    def _excess(self) -> Any:
        if len(self.control_line) > _LINE:
            return BadRequest(f"The line with a chunk's size is longer than {_LINE} bytes")
        return BadRequest(f"The trailers are longer than {_TRAILER} bytes") if len(self.trailer) > _TRAILER else None
