"""Where the bytes of objects lie: few small ones in memory, all others in files that are open only when used.

A blob's file goes with the last object, version, part, copy or reader that refers to it.
"""

import errno
import itertools
import os
import shutil
import threading
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from embedded_aws.machine.marker import make_marked

_SMALL = 64 * 1024  # bytes of a blob that may lie in memory ...
_HELD = 64 * 1024**2  # ... where all of them have this much; what is more goes to files, however small
FOLDER = "objects"  # under the data folder


class Blobs:
    """The bytes of all objects of one embedded AWS."""

    def __init__(self, folder: Path) -> None:
        """Take the folder where the files go; it is made with the first of them."""
        self.folder = folder
        self.held = 0  # bytes in memory
        self._names = itertools.count()
        self._lock = threading.RLock()  # a blob may go, and say so, while its own thread counts

    def admits(self, size: int, more: int) -> bool:
        """Return whether a blob of `size` bytes may grow by `more` in memory, and count them if so."""
        with self._lock:
            is_admitted = size + more <= _SMALL and self.held + more <= _HELD
            self.held += more if is_admitted else 0
        return is_admitted

    def leave(self, size: int) -> None:
        """Take note that bytes in memory have gone, or gone to a file."""
        with self._lock:
            self.held -= size

    def new_file(self) -> Path:
        """Return a path where nothing lies yet, in a folder that is its owner's alone."""
        make_marked(self.folder)
        return self.folder / f"{next(self._names):x}"

    def require(self, size: int) -> None:
        """Raise OSError where the disk has not got room for `size` more bytes."""
        if size > _SMALL and size > shutil.disk_usage(self.new_file().parent).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def refusal(self, error: OSError) -> tuple[int, dict[str, str], bytes]:
        """Return the answer to a request whose bytes the disk did not take or give: status, headers, body."""
        message = (
            f"{self.folder}: {error.strerror}. Make room there, or see to it that it can be written, and try again."
        )
        body = f"<Error><Code>ServiceUnavailable</Code><Message>{escape(message)}</Message></Error>"
        return 503, {"Content-Type": "application/xml"}, body.encode()


@cache
def blobs_in(data: Path) -> Blobs:
    """Return those of the embedded AWS whose data folder this is."""
    return Blobs(data / FOLDER)


class Blob:
    """Bytes that grow at their end only."""

    __slots__ = ("__weakref__", "_data", "_file", "_store", "size")

    def __init__(self, store: Blobs, data: bytes = b"") -> None:
        self.size = 0
        self._data = b""
        self._file: Path | None = None
        self._store = store
        if data:
            self.append(data)

    def append(self, data: bytes) -> None:
        """Add bytes; OSError where the disk takes no more."""
        if self._file is None and self._store.admits(self.size, len(data)):
            self._data += data
        else:
            self._write(data)
        self.size += len(data)

    def _write(self, data: bytes) -> None:
        how = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        if self._file is None:
            self._file, how = self._store.new_file(), how | os.O_CREAT | os.O_EXCL
            self._store.leave(len(self._data))
            data, self._data = self._data + data, b""
        descriptor, view = os.open(self._file, how, 0o600), memoryview(data)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)

    def read(self, start: int, size: int) -> bytes:
        """Return up to `size` bytes from `start`."""
        if self._file is None:
            return self._data[start : start + size]
        descriptor = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, size, start)
        finally:
            os.close(descriptor)

    def __del__(self) -> None:
        if self._file is None:
            self._store.leave(len(self._data))
        else:
            self._file.unlink(missing_ok=True)  # the data folder may have gone
