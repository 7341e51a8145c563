"""A bucket that holds one file of this machine: what Split would say of it, before it is dropped."""

import io
from pathlib import Path
from typing import BinaryIO

from gristmill.storage.s3 import ObjectInfo, Store


class OneFile(Store):
    """A Store of one file under `key`, with its metadata; what is written besides stays in memory."""

    def __init__(self, file: Path, key: str, metadata: dict[str, str]) -> None:
        super().__init__("", None)
        self._file = file
        self._info = ObjectInfo(key, file.stat().st_size, "", None, metadata)
        self._written: dict[str, bytes] = {}

    def head(self, key: str, version: str | None = None) -> ObjectInfo | None:  # noqa: ARG002
        """Return what is known of the file, or of what was written."""
        if key == self._info.key:
            return self._info
        return ObjectInfo(key, len(self._written[key]), "") if key in self._written else None

    def open_range(self, key: str, start: int, end: int | None = None, version: str | None = None) -> BinaryIO:  # noqa: ARG002
        """Return a stream of bytes [start, end); a range that ends before the file does is held in memory."""
        if key != self._info.key:
            return io.BytesIO(self._written[key][start:end])
        stream = self._file.open("rb")
        stream.seek(start)
        if end is None or end >= self._info.size:
            return stream
        with stream:
            return io.BytesIO(stream.read(end - start))

    def put_new(self, key: str, body: bytes) -> bool:
        """Keep an object in memory unless it is there."""
        return self._written.setdefault(key, body) is body
