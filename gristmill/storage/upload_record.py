"""What this machine keeps of an upload, so that the same command goes on where an earlier one was cut off."""

import contextlib
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

_MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class FileIdentity:
    """A file as it was when its upload began."""

    size: int
    modified_ns: int

    @classmethod
    def of(cls, file: int) -> "FileIdentity":
        """Return that of an open file."""
        status = os.fstat(file)
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class UploadRecord:
    """An upload that was begun. `checksum` and `before`, once it is being completed: what the object will have as its
    checksum, and which version its key had until then.
    """

    upload: str
    size: int
    modified_ns: int
    checksum: str | None = None
    before: str | None = None

    def is_of(self, file: FileIdentity) -> bool:
        """Tell whether it is an upload of a file as it is now."""
        return (self.size, self.modified_ns) == (file.size, file.modified_ns)

    def completing(self, checksum: str, before: str | None) -> "UploadRecord":
        """Return the same, about to be completed."""
        return replace(self, checksum=checksum, before=before)


class Slot:
    """The record of one upload, which no other process uses at the same time; without a file it keeps nothing."""

    def __init__(self, file: int | None = None) -> None:
        self._file = file

    def read(self) -> UploadRecord | None:
        """Return what was kept; None if nothing was, or not whole."""
        if self._file is None:
            return None
        try:
            return UploadRecord(**json.loads(os.pread(self._file, _MOST_BYTES, 0)))
        except (ValueError, TypeError):  # new, or cut off as it was written
            return None

    def write(self, record: UploadRecord) -> None:
        """Keep a record."""
        self._replace(json.dumps(asdict(record)).encode())

    def clear(self) -> None:
        """Keep nothing any more."""
        self._replace(b"")

    def _replace(self, text: bytes) -> None:
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, text, 0)


def records_folder(environment: Mapping[str, str]) -> Path:
    """Return where records of uploads lie."""
    state = environment.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")  # noqa: PTH111 - needs no home
    return Path(state) / "gristmill" / "uploads"


@contextmanager
def slot(records: Path, identity: Sequence[object], note: Callable[[str], None]) -> Iterator[Slot]:
    """Give the record of the upload that `identity` tells from all others; one in use elsewhere keeps nothing here.

    Where the folder cannot be written nothing is kept either, and `note` hears why.
    """
    try:
        records.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = records / f"{hashlib.sha256(json.dumps(identity).encode()).hexdigest()}.json"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        note(f"If this upload is interrupted it cannot go on later: {records}: {error.strerror}.")
        yield Slot()
        return
    try:
        is_ours = _is_record(file) and _is_locked(file) and os.path.samestat(os.fstat(file), path.stat())
        mine = Slot(file if is_ours else None)
        yield mine
        if is_ours and mine.read() is None:
            path.unlink()
    finally:
        os.close(file)


def _is_record(file: int) -> bool:
    """Tell a record from a pipe, and from another file that has been given its name as well."""
    info = os.fstat(file)
    return stat.S_ISREG(info.st_mode) and info.st_nlink == 1


def _is_locked(file: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
