"""What storages of this machine have in common: one process uses them, so nothing comes between a look and a write."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO

from gristmill.clock import REAL, Clock
from gristmill.errors import Changed
from gristmill.limits import MIB
from gristmill.parallel import Together, together
from gristmill.storage.protocol import ObjectInfo, Piece, Storage

_BLOCK = 1 * MIB


class LocalStorage(Storage):
    """A Storage whose writes all come down to one: `_write`."""

    bucket = ""

    def __init__(self, clock: Clock = REAL, at_once: Together = together) -> None:
        self.clock = clock
        self.together = at_once

    @abstractmethod
    def _write(self, key: str, blocks: Iterable[bytes], metadata: dict[str, str]) -> str:
        """Write an object block by block; return its ETag."""

    def find(self, key: str, most: int = -1) -> bytes | None:
        """Return an object's bytes, the first `most` of them if that is given; None where there is no object."""
        if self.head(key) is None:
            return None
        with self.open_range(key, 0) as stream:
            return stream.read(most)

    def put(self, key: str, body: bytes, kind: str | None = None) -> str:  # noqa: ARG002
        """Write an object; return its ETag."""
        return self._write(key, [body], {})

    def put_new(self, key: str, body: bytes, kind: str | None = None) -> bool:
        """Write an object unless it exists; return whether it was written."""
        if self.head(key):
            return False
        self.put(key, body, kind)
        return True

    def put_if(self, key: str, body: bytes, etag: str, kind: str | None = None) -> bool:
        """Replace an object that still has `etag`; return whether it was replaced."""
        found = self.head(key)
        if found is None or found.etag != etag:
            return False
        self.put(key, body, kind)
        return True

    def upload(self, key: str, file: IO[bytes], metadata: dict[str, str] | None = None) -> str:
        """Write an object from an open file; return its ETag."""
        return self._write(key, _blocks(file), metadata or {})

    def compose(
        self,
        key: str,
        pieces: Sequence[Piece],
        metadata: dict[str, str],
        scratch: str,  # noqa: ARG002
        check: Callable[[], None] | None = None,
    ) -> ObjectInfo:
        """Write `key` as the pieces in order, by reading them."""
        if check:
            check()
        etag = self._write(key, self._pieces(pieces), metadata)
        return ObjectInfo(key, sum(piece.size for piece in pieces), etag)

    def _pieces(self, pieces: Iterable[Piece]) -> Iterator[bytes]:
        for piece in pieces:
            with self.open_range(piece.key, piece.start, piece.end, None, piece.etag) as stream:
                yield from _blocks(stream)

    def _check(self, key: str, etag: str) -> None:
        """Raise Changed where `etag` is given and the object has another."""
        found = self.head(key)
        if etag and found and found.etag != etag:
            raise Changed(f"{key} was replaced: it has the ETag {found.etag}, not {etag}.")


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: file.read(_BLOCK), b"")
