"""A bucket that is a folder of this machine, with one file of it dropped: for tries and tests, not for runs."""

import io
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO

from gristmill.errors import NotFound
from gristmill.limits import MIB
from gristmill.storage.compose import Piece
from gristmill.storage.s3 import ObjectInfo, Store

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
        data = self._file.read(min(len(buffer), self._left))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


class FolderStore(Store):
    """A Store whose objects are the files of an empty `folder`; the object `key` is `file`, which stays as it is."""

    def __init__(self, folder: Path, file: Path, key: str) -> None:
        super().__init__("none", None, folder)
        self._folder = folder
        self._file = file
        self._key = key

    def path(self, key: str) -> Path:
        """Return the file of an object."""
        return self._file if key == self._key else self._folder / key

    def head(self, key: str, version: str | None = None) -> ObjectInfo | None:  # noqa: ARG002
        """Return what is known of an object."""
        path = self.path(key)
        return ObjectInfo(key, path.stat().st_size, "") if path.is_file() else None

    def find(self, key: str, most: int = -1) -> bytes | None:
        """Return an object's first bytes, None where there is none."""
        return super().find(key, most) if self.head(key) else None

    def open_range(self, key: str, start: int, end: int | None = None, version: str | None = None) -> BinaryIO:  # noqa: ARG002
        """Return a buffered stream of bytes [start, end)."""
        path = self.path(key)
        if not path.is_file():
            raise NotFound(f"{key} does not exist.")

        size = path.stat().st_size
        return io.BufferedReader(_Range(path.open("rb"), start, size if end is None else min(end, size)), _READ_AHEAD)

    def put(self, key: str, body: bytes, kind: str | None = None) -> str:  # noqa: ARG002
        """Write an object; nothing here needs an ETag."""
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return ""

    def put_new(self, key: str, body: bytes) -> bool:
        """Write an object unless it exists; tell whether it was written."""
        if self.head(key):
            return False
        self.put(key, body)
        return True

    def upload(
        self,
        key: str,
        file: IO[bytes],
        metadata: dict[str, str] | None = None,  # noqa: ARG002
        progress: Callable[[int], None] | None = None,  # noqa: ARG002
    ) -> str:
        """Write an object from an open file."""
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as made:
            shutil.copyfileobj(file, made, _READ_AHEAD)
        return ""

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects under a prefix in key order."""
        found = (path for path in self._folder.rglob("*") if path.is_file())
        for key in sorted(path.relative_to(self._folder).as_posix() for path in found):
            if key.startswith(prefix) and key > after:
                yield ObjectInfo(key, self.path(key).stat().st_size, "")

    def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        (self._folder / key).unlink(missing_ok=True)


def join(store: Store, key: str, pieces: Sequence[Piece], _metadata: dict[str, str], _scratch: str) -> None:
    """Write `key` as the pieces in order, by reading them."""
    if not isinstance(store, FolderStore):
        raise TypeError("only objects of a folder are joined so")
    path = store.path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as made:
        for piece in pieces:
            with store.open_range(piece.key, piece.start, piece.end) as stream:
                shutil.copyfileobj(stream, made, _READ_AHEAD)
