"""The code that a run keeps: written once before its claim, and unpacked and verified by whatever runs it."""

from pathlib import Path

from gristmill import keys
from gristmill.code.archive import ARCHIVE_MAX, unpack
from gristmill.errors import Changed, Corrupt
from gristmill.pipeline.code import PipelineCode
from gristmill.runs.locations import frozen
from gristmill.runs.pinned import ObjectVersion, replace_object
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage


def keep_code(store: Storage, run: str, archive: bytes) -> ObjectVersion:
    """Write the archive of a run's code; return it as it is then.

    What an earlier try has left is the same code. Other code, of a try that died before its claim, is replaced; once
    the run is claimed, its code stays.
    """
    key = keys.code(run)
    is_new = store.put_new(key, archive)
    held = store.head(key)
    if held is None:
        raise Changed(f"{key} was removed just after it was written.", "Repeat in a moment.")
    kept = ObjectVersion.of(held)
    is_same = is_new or (kept.size == len(archive) and kept.read(store) == archive)
    if is_same or store.head(keys.run_record(run)) is not None:
        return kept
    return replace_object(store, key, archive)


def unpack_code(store: Storage, record: RunRecord, place: Path) -> PipelineCode:
    """Return the code of a run, unpacked into a new folder of `place`; Corrupt where it is not what run.json says."""
    code = record.code
    if code is None or code.object is None:
        raise Corrupt(f"run {record.run} keeps no code: an earlier version has begun it.", "Drop the file again.")
    if code.object.size > ARCHIVE_MAX:
        raise Corrupt(f"{code.object.key} has {code.object.size:,} bytes: more than any archive of code.")
    folder = unpack(code.object.read(store), code.digest, place, code.object.key)
    return PipelineCode(frozen(record).name, folder)
