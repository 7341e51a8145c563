"""Read a pipeline's folder as files, and name them by a digest that knows no times, owners or order of listing."""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from gristmill.errors import Refused
from gristmill.limits import CODE_FILES_MAX, CODE_MAX, CODE_PATH_MAX_BYTES, MIB
from gristmill.printable import short

DIGITS = 64  # of a digest, which is a SHA-256 in hex
_LEFT_OUT = "__pycache__"  # and whatever begins with a dot: what tools leave beside the code, not the code
_MEND = "Large files belong in references/, which jobs read from S3; give them there."


@dataclass(frozen=True)
class CodeFile:
    """A file of a pipeline: its path below the folder, with slashes; whether its owner may run it; its content."""

    path: str
    executable: bool
    content: bytes


class Hashed(NamedTuple):
    """A file without its content: what a digest is made of."""

    path: str
    executable: bool
    content: str  # its SHA-256, in hex


def hashed(file: CodeFile) -> Hashed:
    """Return what a digest knows of a file."""
    return Hashed(file.path, file.executable, hashlib.sha256(file.content).hexdigest())


def digest_of(files: Iterable[CodeFile]) -> str:
    """Return the SHA-256 over the files' sorted paths, x-bits and hashes of contents, in hex."""
    return digest_of_hashes(map(hashed, files))


def digest_of_hashes(files: Iterable[Hashed]) -> str:
    """Return the digest of files whose contents are hashed already."""
    whole = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.path.encode()):
        whole.update(f"{file.content} {'x' if file.executable else '-'} {file.path}\n".encode())
    return whole.hexdigest()


def read_folder(folder: Path) -> list[CodeFile]:
    """Return the files of a pipeline's folder, sorted; Refused with every reason why they are no code that can travel.

    What begins with a dot, and `__pycache__`, is left out.
    """
    found = list(islice(_walk(folder, ""), CODE_FILES_MAX + 1))
    faults = [f"{folder}/{short(path)} is {_kind(mode)}, not a file" for path, mode, _ in found if not _is_file(mode)]
    faults += path_faults([path for path, _, _ in found])
    if faults:
        raise Refused(faults, "Put the file itself into the pipeline's folder, under a plain name.")
    refuse_sizes([size for _, _, size in found], str(folder))
    return [CodeFile(path, _is_executable(mode), _content(folder / path)) for path, mode, _ in found]


def _walk(folder: Path, above: str) -> Iterator[tuple[str, int, int]]:
    """Yield path, mode and size of everything below a folder that is no folder itself; links are not followed."""
    if len(above) > CODE_PATH_MAX_BYTES:
        raise Refused([f"{short(str(folder))} lies too deep: a path has {CODE_PATH_MAX_BYTES} bytes at most"])
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise Refused([f"{folder} cannot be read: {error.strerror}"]) from error
    for entry in entries:
        if entry.name.startswith(".") or entry.name == _LEFT_OUT:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{above}{entry.name}/")
        else:
            info = entry.stat(follow_symlinks=False)
            yield f"{above}{entry.name}", info.st_mode, info.st_size


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refused([f"{file} cannot be read: {error.strerror}"]) from error


def _is_file(mode: int) -> bool:
    return stat.S_ISREG(mode)


def _is_executable(mode: int) -> bool:
    return bool(mode & stat.S_IXUSR)


def _kind(mode: int) -> str:
    return "a symbolic link" if stat.S_ISLNK(mode) else "a special file"


def refuse_sizes(sizes: Sequence[int], place: str) -> None:
    """Refuse more, or more bytes, than a pipeline may have, before they are read."""
    if sum(sizes) > CODE_MAX:
        have = f"{sum(sizes) / MIB:,.1f} MiB"
        raise Refused([f"{place} has {have}, and a pipeline may have {CODE_MAX // MIB}"], _MEND)
    if len(sizes) > CODE_FILES_MAX:
        raise Refused([f"{place} has more than the {CODE_FILES_MAX:,} files that a pipeline may have"], _MEND)


def path_faults(paths: Sequence[str]) -> list[str]:
    """Return why paths cannot be those of files in one folder, on any machine."""
    return [fault for path in paths if (fault := _path_fault(path))] or list(_collisions(paths))


def _path_fault(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or any(part in ("", ".", "..") for part in parts) or "\\" in path:
        return f"{short(path)!r} leads out of the folder"
    if not path.isprintable():
        return f"{short(path)!r} has characters that cannot be shown"
    if len(path.encode()) > CODE_PATH_MAX_BYTES:
        return f"{short(path)!r} is longer than {CODE_PATH_MAX_BYTES} bytes"
    return ""


def _collisions(paths: Sequence[str]) -> Iterator[str]:
    """Yield paths that are another's file or folder where a disk does not tell upper from lower case."""
    known: dict[str, str] = {}
    for path in paths:
        folders = [str(parent) for parent in PurePosixPath(path).parents][:-1]
        found = [known.setdefault(_folded(folder), f"{folder}/") for folder in folders]
        clash = next((before for before, folder in zip(found, folders, strict=True) if before != f"{folder}/"), None)
        clash = known.setdefault(_folded(path), path) if _folded(path) in known else clash
        known[_folded(path)] = path
        if clash:
            yield f"{short(clash)!r} and {short(path)!r} are the same on some disks"


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
