"""The bytes of stored objects, named without being read: what large objects are served, joined and copied from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_BLOCK = 256 * 1024


@dataclass(frozen=True)
class Span:
    """Bytes [start, end) of the buffer of one of moto's keys, which it keeps alive."""

    key: Any
    start: int
    end: int

    def read(self, start: int, size: int) -> bytes:
        """Return up to `size` bytes from `start` of the buffer."""
        with self.key.lock:
            self.key._value_buffer.seek(start)
            data: bytes = self.key._value_buffer.read(min(size, self.end - start))
        return data


class Content:
    """Spans in a row. Slicing makes another content; iterating reads it in blocks; `bytes` reads it whole."""

    def __init__(self, spans: tuple[Span, ...]) -> None:
        self.spans = spans
        self._size = sum(span.end - span.start for span in spans)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, wanted: slice) -> "Content":
        start, end, _ = wanted.indices(len(self))
        return Content(tuple(self._cut(start, end)))

    def _cut(self, start: int, end: int) -> Iterator[Span]:
        place = 0
        for span in self.spans:
            first, last = max(start, place), min(end, place + span.end - span.start)
            if first < last:
                yield Span(span.key, span.start + first - place, span.start + last - place)
            place += span.end - span.start

    def __iter__(self) -> Iterator[bytes]:
        for span in self.spans:
            for start in range(span.start, span.end, _BLOCK):
                yield span.read(start, _BLOCK)

    def __bytes__(self) -> bytes:
        return b"".join(self)


class Joined(Content):
    """Whole keys in a row, by their part numbers: a completed upload, whose key owns them."""

    def __init__(self, parts: dict[int, Any]) -> None:
        super().__init__(tuple(Span(part, 0, part.contentsize) for part in parts.values()))
        self.parts = parts
