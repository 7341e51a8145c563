"""A bucket that holds a file of this machine, and others beside it: what Split would find, before it is dropped."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from gristmill import keys
from gristmill.errors import NotFound
from gristmill.storage.local import LocalStorage
from gristmill.storage.protocol import ObjectInfo, Storage


class OneFileStorage(LocalStorage):
    """A Storage of one file under `key`, with its metadata (None: there is none); what is written stays in memory.

    Pushed pipelines are those of the bucket `pushed`; without one there are none. `others` are more files by their
    keys; what else a run may be given is looked for in the bucket `beyond`, once.
    """

    def __init__(
        self,
        file: Path | None,
        key: str,
        metadata: dict[str, str],
        pushed: Storage | None = None,
        others: Mapping[str, Path] | None = None,
        beyond: Storage | None = None,
    ) -> None:
        super().__init__()
        self.bucket = beyond.bucket if beyond else ""
        self._pushed, self._beyond = pushed, beyond
        self._files = {**(others or {}), **({key: file} if file else {})}
        self._infos = {name: ObjectInfo(name, path.stat().st_size, "") for name, path in self._files.items()}
        if file:
            self._infos[key] = replace(self._infos[key], metadata=metadata)
        self._seen: dict[tuple[str, str | None], ObjectInfo | None] = {}
        self._written: dict[str, tuple[ObjectInfo, bytes]] = {}

    def head(self, key: str, version: str | None = None) -> ObjectInfo | None:
        """Return what is known of a file, or of what was written."""
        if key in self._infos:
            return self._infos[key]
        if key in self._written:
            return self._written[key][0]
        elsewhere = self._elsewhere(key)
        if elsewhere and (key, version) not in self._seen:
            self._seen[key, version] = elsewhere.head(key, version)
        return self._seen.get((key, version))

    def _elsewhere(self, key: str) -> Storage | None:
        """Return the bucket that has a key which is not here, if there is one to look in."""
        if key in self._infos or key in self._written:
            return None
        return self._pushed if key.startswith(keys.PUSHED) else self._beyond if key.startswith(keys.GIVEN) else None

    def open_range(
        self,
        key: str,
        start: int,
        end: int | None = None,
        version: str | None = None,
        etag: str = "",
    ) -> BinaryIO:
        """Return a stream of bytes [start, end); a range that ends before a file does is held in memory."""
        elsewhere = self._elsewhere(key)
        if elsewhere:
            return elsewhere.open_range(key, start, end, version, etag)
        self._check(key, etag)
        if key not in self._infos:
            if key not in self._written:
                raise NotFound(f"{key} does not exist.")
            return io.BytesIO(self._written[key][1][start:end])
        stream = self._files[key].open("rb")
        stream.seek(start)
        if end is None or end >= self._infos[key].size:
            return stream
        with stream:
            return io.BytesIO(stream.read(end - start))

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects under a prefix in key order."""
        if self._pushed and prefix.startswith(keys.PUSHED):
            yield from self._pushed.list(prefix, after)
            return
        infos = {**self._infos, **{key: info for key, (info, _) in self._written.items()}}
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
