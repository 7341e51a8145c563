"""A bucket that holds one file of this machine: what Split would find in it, before it is dropped."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from gristmill import keys
from gristmill.errors import NotFound
from gristmill.storage.local import LocalStorage
from gristmill.storage.protocol import ObjectInfo, Storage


class OneFileStorage(LocalStorage):
    """A Storage of one file under `key`, with its metadata; what is written besides stays in memory.

    Pushed pipelines are those of the bucket `pushed`; without one there are none.
    """

    def __init__(self, file: Path, key: str, metadata: dict[str, str], pushed: Storage | None = None) -> None:
        super().__init__()
        self._pushed = pushed
        self._file = file
        self._info = ObjectInfo(key, file.stat().st_size, "", None, metadata)
        self._written: dict[str, tuple[ObjectInfo, bytes]] = {}

    def head(self, key: str, version: str | None = None) -> ObjectInfo | None:  # noqa: ARG002
        """Return what is known of the file, or of what was written."""
        if key == self._info.key:
            return self._info
        if self._pushed and key.startswith(keys.PUSHED):
            return self._pushed.head(key)
        return self._written[key][0] if key in self._written else None

    def open_range(
        self,
        key: str,
        start: int,
        end: int | None = None,
        version: str | None = None,
        etag: str = "",
    ) -> BinaryIO:
        """Return a stream of bytes [start, end); a range that ends before the file does is held in memory."""
        if self._pushed and key.startswith(keys.PUSHED):
            return self._pushed.open_range(key, start, end, version, etag)
        self._check(key, etag)
        if key != self._info.key:
            if key not in self._written:
                raise NotFound(f"{key} does not exist.")
            return io.BytesIO(self._written[key][1][start:end])
        stream = self._file.open("rb")
        stream.seek(start)
        if end is None or end >= self._info.size:
            return stream
        with stream:
            return io.BytesIO(stream.read(end - start))

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects under a prefix in key order."""
        if self._pushed and prefix.startswith(keys.PUSHED):
            yield from self._pushed.list(prefix, after)
            return
        infos = {self._info.key: self._info, **{key: info for key, (info, _) in self._written.items()}}
        yield from (infos[key] for key in sorted(infos) if key.startswith(prefix) and key > after)

    def delete(self, key: str) -> None:
        """Forget what was written, if it is there."""
        self._written.pop(key, None)

    def _write(self, key: str, blocks: Iterable[bytes], metadata: dict[str, str]) -> str:
        body = b"".join(blocks)
        before = self._written[key][0].etag if key in self._written else "0"
        info = ObjectInfo(key, len(body), str(int(before) + 1), None, metadata)
        self._written[key] = (info, body)
        return info.etag
