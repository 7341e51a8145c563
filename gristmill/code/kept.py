"""The code that a run keeps: written once before its claim, and unpacked and verified by whatever runs it."""

import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryFile

from gristmill import keys
from gristmill.code.archive import ARCHIVE_MAX, read_archive, unpack, verify
from gristmill.code.digest import CodeFile, digest_of
from gristmill.code.libraries import own_abi, read_libraries
from gristmill.errors import Changed, Corrupt, Refused
from gristmill.pipeline.code import PipelineCode
from gristmill.runs.code import Code
from gristmill.runs.locations import frozen
from gristmill.runs.pinned import ObjectVersion, replace_object
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage

PATH = "PYTHONPATH"
_WRITES_TRIED = 3
_PUSH = "Push it from a machine whose jobs run on that Python: gristmill pipelines push"


def keep_code(store: Storage, run: str, archive: bytes) -> ObjectVersion:
    """Write the archive of a run's code; return it as it is then.

    What an earlier try has left is the same code. Other code, of a try that died before its claim, is replaced; once
    the run is claimed, its code stays.
    """
    kept, is_same = _put(store, keys.code(run), archive)
    if is_same or store.head(keys.run_record(run)) is not None:
        return kept
    return replace_object(store, kept.key, archive)


def keep_changed_code(store: Storage, run: str, digest: str, archive: bytes) -> ObjectVersion:
    """Write the archive of the code of a run's later generation, under its digest; return it as it is then."""
    kept, is_same = _put(store, keys.changed_code(run, digest), archive)
    return kept if is_same else replace_object(store, kept.key, archive)


def _put(store: Storage, key: str, archive: bytes) -> tuple[ObjectVersion, bool]:
    """Write an archive unless there is one; return the one that is there, and whether it is the same."""
    for _ in range(_WRITES_TRIED):
        is_new = store.put_new(key, archive)
        held = store.head(key)
        if held is not None:
            kept = ObjectVersion.of(held)
            return kept, kept.size == len(archive) and (is_new or kept.read(store) == archive)
    raise Changed(f"{key} is removed each time that it was written.", "Repeat in a moment.")


def unpack_code(store: Storage, record: RunRecord, place: Path) -> PipelineCode:
    """Return the code of a run, unpacked into a new folder of `place`; Corrupt where it is not what run.json says."""
    code, archive = _archive(record)
    folder = unpack(archive.read(store), code.digest, place, archive.key)
    use_libraries(store, record, place)
    return PipelineCode(frozen(record).name, folder)


def read_kept(store: Storage, record: RunRecord) -> list[CodeFile]:
    """Return the files of a run's code; Corrupt where they are not what run.json says."""
    code, archive = _archive(record)
    files = read_archive(archive.read(store), archive.key)
    verify(code.digest, digest_of(files), archive.key)
    return files


def _archive(record: RunRecord) -> tuple[Code, ObjectVersion]:
    """Return a run's code and its archive, before anything of it is read."""
    code = record.code
    if code is None or code.object is None:
        raise Corrupt(f"run {record.run} keeps no code: an earlier version has begun it.", "Drop the file again.")
    if code.object.size > ARCHIVE_MAX:
        raise Corrupt(f"{code.object.key} has {code.object.size:,} bytes: more than any archive of code.")
    return code, code.object


def use_libraries(store: Storage, record: RunRecord, place: Path) -> None:
    """Put the libraries of a run's code before all others, for this process and those that it starts.

    They are unpacked into `place`, unless this process uses them already.
    """
    if record.code is None or frozen(record).libraries is None:
        return
    held = record.code.libraries.get(own_abi())
    if held is None:
        have = ", ".join(record.code.libraries) or "none"
        raise Refused([f"the pipeline's libraries were not fetched for {own_abi()} (there are: {have})"], _PUSH)
    if any(Path(entry).name == held.digest for entry in sys.path):
        return
    folder = place / "libraries" / held.digest
    with TemporaryFile(dir=place) as copy:
        with held.object.open(store, 0, held.object.size) as stream:
            shutil.copyfileobj(stream, copy)
        if read_libraries(copy, held.object.key, folder) != held.digest:
            raise Corrupt(f"{held.object.key} was changed: run.json names other libraries.", "Push the pipeline again.")
    sys.path.insert(0, str(folder))
    os.environ[PATH] = os.pathsep.join([str(folder), *filter(None, [os.environ.get(PATH)])])
