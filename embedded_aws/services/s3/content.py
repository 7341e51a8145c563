"""The bytes of stored objects, named without being read: what large objects are served, joined and copied from."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple

from embedded_aws.services.s3.blobs import Blob, Blobs

_BLOCK = 256 * 1024


class Span(NamedTuple):
    """Bytes [start, end) of a blob, which lives as long as it does."""

    blob: Blob
    start: int
    end: int

    @property
    def size(self) -> int:
        """Return the number of its bytes."""
        return self.end - self.start


class Content:
    """Spans in a row, never changed. Slicing makes another; iterating reads it in blocks; `bytes` reads it whole."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.spans = tuple(spans)
        self._ends = list(accumulate(span.size for span in self.spans))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, wanted: slice) -> "Content":
        start, end, _ = wanted.indices(len(self))
        return Content(self._cut(start, end))

    def _cut(self, start: int, end: int) -> Iterator[Span]:
        for index in range(bisect_right(self._ends, start), len(self.spans)):
            span, last = self.spans[index], self._ends[index]
            first = last - span.size
            if first >= end:
                return
            yield Span(span.blob, span.start + max(start - first, 0), span.end - max(last - end, 0))

    def __iter__(self) -> Iterator[bytes]:
        for blob, first, end in self.spans:
            for start in range(first, end, _BLOCK):
                yield blob.read(start, min(_BLOCK, end - start))

    def __bytes__(self) -> bytes:
        return b"".join(self)

    def __deepcopy__(self, _memo: Any) -> "Content":
        return self

    def kept(self, store: Blobs) -> "Content":
        """Return the same bytes to be kept: shared, but copied out of blobs of which less than half would be used."""
        used: Counter[Blob] = Counter()
        for span in self.spans:
            used[span.blob] += span.size
        return Content(span if 2 * used[span.blob] >= span.blob.size else _copied(span, store) for span in self.spans)


def content_of(data: bytes | Iterable[bytes], store: Blobs) -> Content:
    """Store bytes, or the blocks of a stream."""
    blob = Blob(store)
    for block in (data,) if isinstance(data, bytes) else data:
        blob.append(block)
    return Content([Span(blob, 0, blob.size)] if blob.size else ())


def _copied(span: Span, store: Blobs) -> Span:
    blob = Blob(store)
    for block in Content([span]):
        blob.append(block)
    return Span(blob, 0, blob.size)
