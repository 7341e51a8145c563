"""The inputs that a branch's tasks are given whole: staged to files once a child, in the versions that were frozen."""

import shutil
from pathlib import Path

from gristmill.errors import Changed, Refused
from gristmill.formats.names import stored_suffix
from gristmill.limits import MIB
from gristmill.pipeline.model import Branch
from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage
from gristmill.worker.child.command import check_space

_READ_ONLY = 0o444


def stage_whole(store: Storage, record: RunRecord, branch: Branch, folder: Path) -> dict[str, Path]:
    """Write a branch's whole inputs to files in a folder, and return those by name.

    Refused where a version is gone: each attempt would find it so. NoSpace where the disk cannot hold them.
    """
    if branch.given:
        check_space(folder, sum(record.inputs[name].size for name in branch.given))
    files = whole_files(record, branch, folder)
    for name, file in files.items():
        _stage(store, name, record.inputs[name], file)
    return files


def whole_files(record: RunRecord, branch: Branch, folder: Path) -> dict[str, Path]:
    """Return where a branch's whole inputs lie in a folder, by name."""
    return {name: folder / f"{name}{stored_suffix(record.inputs[name].key)}" for name in branch.given}


def _stage(store: Storage, name: str, version: ObjectVersion, target: Path) -> None:
    try:
        with version.open(store, 0, version.size) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, MIB)
    except Changed as error:
        raise _gone(name, version) from error
    target.chmod(_READ_ONLY)  # what one task changed, others would read


def _gone(name: str, version: ObjectVersion) -> Refused:
    which = f"version {version.version}" if version.version else f"ETag {version.etag}"
    fault = f"{name}: the {version.key} that the run began with ({which}) is gone, and no other is read in its place"
    return Refused([fault], "Drop the file again.")
