"""A bucket that is a folder of this machine, with one file of it dropped: for trials and tests, not for runs."""

import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from gristmill.errors import NotFound
from gristmill.limits import MIB
from gristmill.storage.local import LocalStorage
from gristmill.storage.protocol import ObjectInfo

_READ_AHEAD = 1 * MIB


class _Range(io.RawIOBase):
    """Bytes [start, end) of an open file, closed with it."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        super().__init__()
        self._file = file
        self._left = end - start
        file.seek(start)

    def readable(self) -> bool:
        """Tell that this is a stream to read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next; 0 at the end."""
        data = self._file.read(max(0, min(len(buffer), self._left)))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


class FolderStorage(LocalStorage):
    """A Storage whose objects are the files of an empty `folder`; the object `key` is `file`, which stays as it is.

    So do `others`, which are more files by their keys.
    """

    bucket = "none"

    def __init__(self, folder: Path, file: Path, key: str, others: Mapping[str, Path] | None = None) -> None:
        super().__init__()
        self._folder = folder
        self._files = {**(others or {}), key: file}

    def path(self, key: str) -> Path:
        """Return the file of an object, or the folder of a prefix."""
        return self._files.get(key, self._folder / key)

    def head(self, key: str, version: str | None = None) -> ObjectInfo | None:  # noqa: ARG002
        """Return what is known of an object; its ETag changes whenever it is written."""
        path = self.path(key)
        return ObjectInfo(key, path.stat().st_size, _etag(path)) if path.is_file() else None

    def open_range(
        self,
        key: str,
        start: int,
        end: int | None = None,
        version: str | None = None,  # noqa: ARG002
        etag: str = "",
    ) -> BinaryIO:
        """Return a buffered stream of bytes [start, end); NotFound where there is no such object."""
        path = self.path(key)
        if not path.is_file():
            raise NotFound(f"{key} does not exist.")
        self._check(key, etag)
        size = path.stat().st_size
        return io.BufferedReader(_Range(path.open("rb"), start, size if end is None else min(end, size)), _READ_AHEAD)

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects under a prefix in key order."""
        found = (path for path in self._folder.rglob("*") if path.is_file())
        for key in sorted(path.relative_to(self._folder).as_posix() for path in found):
            if key.startswith(prefix) and key > after:
                path = self.path(key)
                yield ObjectInfo(key, path.stat().st_size, _etag(path))

    def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        (self._folder / key).unlink(missing_ok=True)

    def _write(self, key: str, blocks: Iterable[bytes], metadata: dict[str, str]) -> str:  # noqa: ARG002
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as made:
            made.writelines(blocks)
        return _etag(path)


def _etag(path: Path) -> str:
    found = path.stat()
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"
