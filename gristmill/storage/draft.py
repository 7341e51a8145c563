"""A bucket as it would be: it is read as it is, and what is written comes to lie in a folder over it."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from gristmill.storage.folder import FolderStorage
from gristmill.storage.local import LocalStorage
from gristmill.storage.protocol import ObjectInfo, Storage


class DraftStorage(LocalStorage):
    """A Storage that writes to `own` alone; what is not there is read from `base`, of which nothing is changed."""

    def __init__(self, base: Storage, own: FolderStorage) -> None:
        super().__init__()
        self.bucket = base.bucket
        self._base, self._own = base, own

    def head(self, key: str, version: str | None = None) -> ObjectInfo | None:
        """Return what is known of an object, None where there is none."""
        return self._own.head(key) or self._base.head(key, version)

    def open_range(
        self, key: str, start: int, end: int | None = None, version: str | None = None, etag: str = ""
    ) -> BinaryIO:
        """Return a buffered stream of bytes [start, end); NotFound where there is no such object."""
        place = self._own if self._own.head(key) else self._base
        return place.open_range(key, start, end, version, etag)

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects under a prefix in key order."""
        found = {listed.key: listed for place in (self._base, self._own) for listed in place.list(prefix, after)}
        yield from (found[key] for key in sorted(found))

    def delete(self, key: str) -> None:
        """Remove what was written, if it is there."""
        self._own.delete(key)

    def _write(self, key: str, blocks: Iterable[bytes], metadata: dict[str, str]) -> str:
        return self._own._write(key, blocks, metadata)
