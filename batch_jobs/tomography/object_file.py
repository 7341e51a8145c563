"""The dropped object as an HDF5 file, read by ranged requests."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py

from gristmill.errors import Refused
from gristmill.limits import MIB
from gristmill.storage import Storage
from gristmill.task import Task

_BUFFER = 1 * MIB  # HDF5 reads many small pieces near each other


class ObjectFile(io.RawIOBase):
    """An object as a file to seek and read in; `failure` is what kept its bytes back, which HDF5 takes for damage."""

    def __init__(self, store: Storage, key: str, version: str | None) -> None:
        super().__init__()
        self._store, self._key, self._version = store, key, version
        found = store.head(key, version)
        self._size = found.size if found else 0
        self._place = 0
        self.failure: BaseException | None = None

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be sought in."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte."""
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next; 0 at the end."""
        end = min(self._place + len(buffer), self._size)
        try:
            data = self._store.read(self._key, self._place, end, self._version)
        except BaseException as error:
            self.failure = error
            raise
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


@contextmanager
def opened(task: Task) -> Iterator[h5py.File]:
    """Open the dropped object; Refused where it is no HDF5 file. A failing store is no fault of the file."""
    raw = ObjectFile(task.store, task.input_key, task.input_version)
    try:
        with _hdf5(raw) as file:
            yield file
    except Refused as refusal:
        if raw.failure is not None:
            raise raw.failure from refusal
        raise


def _hdf5(raw: ObjectFile) -> h5py.File:
    try:
        return h5py.File(io.BufferedReader(raw, _BUFFER), "r")
    except (OSError, RuntimeError, ValueError) as error:
        mend = "Is it HDF5, and whole? Check it with `h5dump`, copy it anew and drop it again."
        raise Refused([f"the dropped file cannot be read as HDF5: {error}"], mend) from error
