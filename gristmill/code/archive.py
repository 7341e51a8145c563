"""Pack a pipeline's code into a zip, and unpack that into a folder whose digest is checked. An archive is untrusted."""

import io
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from gristmill.code.digest import CodeFile, digest_of, path_faults, read_folder, refuse_sizes
from gristmill.errors import Corrupt, GristmillError, Refused
from gristmill.limits import CODE_MAX, MIB

ARCHIVE_MAX = CODE_MAX + 2 * MIB  # bytes: what cannot be compressed, and the names of all files twice
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_PLAIN, _EXECUTABLE = stat.S_IFREG | 0o644, stat.S_IFREG | 0o755
_MODES = (_PLAIN, _EXECUTABLE)
_UNIX = 3
UNREADABLE = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, OSError)
_SHOWN = 12  # digits of a digest that people are shown


def pack(files: Iterable[CodeFile]) -> bytes:
    """Return files as a zip: of equal files the same, whatever their times and owners are."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files, key=lambda file: file.path.encode()):
            entry = zipfile.ZipInfo(file.path, _LONG_AGO)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, _UNIX
            entry.external_attr = (_EXECUTABLE if file.executable else _PLAIN) << 16
            archive.writestr(entry, file.content)
    return body.getvalue()


def read_archive(body: bytes, name: str) -> list[CodeFile]:
    """Return the files of an archive called `name`; Corrupt unless `pack` could have made it, within all limits."""
    if len(body) > ARCHIVE_MAX:
        raise Corrupt(f"{name} has {len(body):,} bytes: more than any archive of code.")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            entries = archive.infolist()
            check_entries(entries, name, refuse_sizes)
            return [CodeFile(entry.filename, is_executable(entry), archive.read(entry)) for entry in entries]
    except UNREADABLE as error:
        raise Corrupt(f"{name} cannot be unpacked: {error}") from error


def unpack(body: bytes, digest: str, place: Path, name: str) -> Path:
    """Unpack an archive called `name` into the folder `digest` of `place`; return that folder, whole and verified.

    Corrupt where its code is not what the digest says, or its entries would lie elsewhere than in that folder.
    """
    files = read_archive(body, name)
    verify(digest, digest_of(files), name)
    try:
        return _unpack(files, digest, place, name)
    except OSError as error:
        raise GristmillError(f"{name} cannot be unpacked into {place}: {error.strerror}.") from error


def _unpack(files: Iterable[CodeFile], digest: str, place: Path, name: str) -> Path:
    folder = place / digest
    scratch = Path(tempfile.mkdtemp(prefix="unpacking-", dir=place))
    try:
        for file in files:
            write_file(scratch / file.path, file)
        verify(digest, digest_of(read_folder(scratch)), name)
        _move(scratch, folder, digest)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def verify(digest: str, found: str, name: str) -> None:
    """Raise Corrupt unless the code that was found is the one that a run is about."""
    if found != digest:
        what = f"code is {found[:_SHOWN]}…, run.json says {digest[:_SHOWN]}…"
        raise Corrupt(f"{what}: {name} was changed after the run began.", "Drop the file again.")


def check_entries(entries: Sequence[zipfile.ZipInfo], name: str, refuse: Callable[[Sequence[int], str], None]) -> None:
    """Raise Corrupt for entries that `pack` does not make, or whose sizes `refuse` refuses."""
    faults = path_faults([entry.filename for entry in entries])
    faults += [f"{entry.filename!r} is no plain file" for entry in entries if entry.external_attr >> 16 not in _MODES]
    try:
        refuse([entry.file_size for entry in entries], name)
    except Refused as refused:
        faults += refused.faults
    if faults:
        raise Corrupt(f"{name} is no archive of a pipeline: {'; '.join(faults[:3])}")


def is_executable(entry: zipfile.ZipInfo) -> bool:
    """Return whether an entry's owner may run it."""
    return entry.external_attr >> 16 == _EXECUTABLE


def write_file(target: Path, file: CodeFile) -> None:
    """Write a file where there is none, with its folders."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755 if file.executable else 0o644)
    with open(descriptor, "wb") as opened:  # noqa: PTH123 - a descriptor
        opened.write(file.content)


def _move(scratch: Path, folder: Path, digest: str) -> None:
    """Give the unpacked folder its name; one that is there already must be the same."""
    try:
        scratch.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        verify(digest, digest_of(read_folder(folder)), str(folder))
