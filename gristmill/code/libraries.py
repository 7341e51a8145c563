"""The libraries of a pipeline: what the wheels of its lock file put on Python's path, for one Python and platform."""

import hashlib
import io
import re
import shutil
import sys
import sysconfig
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from gristmill import keys
from gristmill.code.archive import UNREADABLE, check_entries, is_executable, pack, write_file
from gristmill.code.digest import CodeFile, Hashed, digest_of, digest_of_hashes, hashed
from gristmill.errors import Corrupt, Refused
from gristmill.limits import LIBRARIES_MAX, LIBRARY_FILES_MAX, MIB
from gristmill.pipeline.model import Pipeline
from gristmill.storage import Storage

IMAGE = "cp313-linux_x86_64"  # of the stack's images, as a job in one names its own
_DATA = re.compile(r"[^/]+\.data/(purelib|platlib)/(.+)")
_OTHER_DATA = re.compile(r"[^/]+\.data/")  # scripts, headers: nothing that is imported
_BLOCK = 1 * MIB
_INDEX = ("--index-url", "--extra-index-url", "-i ")
_MEND = "Make one with: uv pip compile --generate-hashes, or pip-compile --generate-hashes."


def abi_of(version: tuple[int, int], platform: str) -> str:
    """Return what names a Python and a platform in keys."""
    return f"cp{version[0]}{version[1]}-{re.sub('[^a-z0-9]', '_', platform.lower())}"


def own_abi() -> str:
    """Return what names the Python that runs this, and its platform."""
    return abi_of(sys.version_info[:2], sysconfig.get_platform())


def lock_digest(lock: bytes) -> str:
    """Return what names a lock file in keys; the fetched wheels depend on nothing else of the pipeline."""
    return hashlib.sha256(lock).hexdigest()


def lock_of(pipeline: Pipeline, files: Sequence[CodeFile]) -> CodeFile | None:
    """Return the lock file of a pipeline's libraries, None where it has none; Refused where it cannot be one."""
    if pipeline.libraries is None:
        return None
    found = next((file for file in files if file.path == pipeline.libraries), None)
    if found is None:
        raise Refused([f"there is no file {pipeline.libraries} in the folder, which `libraries` names"], _MEND)
    check_lock(found.path, found.content)
    return found


def check_lock(path: str, lock: bytes) -> None:
    """Refuse a lock file that asks for what is no wheel with a hash, or leads to another file."""
    try:
        text = lock.decode().replace("\\\n", " ")
    except UnicodeDecodeError:
        raise Refused([f"{path} is not UTF-8"], _MEND) from None
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    faults = [f"{path}: {line.split()[0]} {why}" for _, line in lines if (why := _fault(line))]
    if faults:
        raise Refused(faults, _MEND)


def _fault(line: str) -> str:
    if not line or line.startswith(("#", *_INDEX)):
        return ""
    if line.startswith("-"):
        return "is no library"
    if "==" not in line.partition("--hash")[0]:
        return "is not pinned to one version"
    return "" if "--hash=sha256:" in line else "has no hash"


def unpack_wheels(wheels: Iterable[Path]) -> list[CodeFile]:
    """Return what wheels put on Python's path, whatever tool would install them.

    Refused where a file of one would take the place of another's.
    """
    found: dict[str, CodeFile] = {}
    wheel_of: dict[str, str] = {}
    for wheel in sorted(wheels):
        with zipfile.ZipFile(io.BytesIO(wheel.read_bytes())) as archive:
            for entry in archive.infolist():
                path = _installed(entry.filename)
                if not path or entry.is_dir():
                    continue
                file = CodeFile(path, bool(entry.external_attr >> 16 & 0o100), archive.read(entry))
                first, held = wheel_of.setdefault(path, wheel.name), found.setdefault(path, file)
                if held.content != file.content:
                    raise Refused(
                        [f"{first} and {wheel.name} both have {path}, each with a content of its own"],
                        "Leave one of the two libraries out of the lock file.",
                    )
    return [found[path] for path in sorted(found)]


def _installed(path: str) -> str:
    """Return where a file of a wheel lies below Python's path, nothing where nowhere."""
    data = _DATA.fullmatch(path)
    if data:
        return data[2]
    return "" if _OTHER_DATA.match(path) else path


def check_sizes(sizes: Sequence[int], name: str) -> None:
    """Refuse libraries that no container could unpack before its first task."""
    if sum(sizes) > LIBRARIES_MAX or len(sizes) > LIBRARY_FILES_MAX:
        have = f"{sum(sizes) / MIB:,.0f} MiB in {len(sizes):,} files"
        most = f"{LIBRARIES_MAX // MIB} MiB in {LIBRARY_FILES_MAX:,} are allowed"
        raise Refused([f"the libraries for {name} have {have}; {most}"], "Put the largest into an image of your own.")


def keep_libraries(store: Storage, lock_digest: str, abi: str, files: Sequence[CodeFile]) -> str:
    """Write the libraries of a lock file; return their digest. Refused where others lie in their place."""
    check_sizes([len(file.content) for file in files], abi)
    key, digest = keys.wheels(lock_digest, abi), digest_of(files)
    if store.put_new(key, pack(files)):
        return digest
    with TemporaryFile() as copy, store.open_range(key, 0) as held:  # what is equal may be compressed otherwise
        shutil.copyfileobj(held, copy, _BLOCK)
        if read_libraries(copy, key, None) != digest:
            raise Refused([f"{key} has other libraries than the lock file names"], "Ask who may write there.")
    return digest


def read_libraries(archive: IO[bytes], name: str, folder: Path | None) -> str:
    """Return the digest of an archive of libraries, unpacked into `folder` on the way if that is given.

    Corrupt unless `pack` could have made it, within all limits. No more than a file of it is held in memory.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            check_entries(entries, name, check_sizes)
            return digest_of_hashes([_unpacked(opened, entry, folder) for entry in entries])
    except UNREADABLE as error:
        raise Corrupt(f"{name} cannot be unpacked: {error}") from error


def _unpacked(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path | None) -> Hashed:
    file = CodeFile(entry.filename, is_executable(entry), opened.read(entry))
    if folder:
        write_file(folder / file.path, file)
    return hashed(file)
