"""The inputs that a branch's tasks are given whole: staged to files once a child, in the versions that were frozen."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gristmill.errors import Changed, Corrupt, Refused
from gristmill.formats.names import stored_suffix
from gristmill.limits import MIB
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage
from gristmill.runs.locations import join_suffix
from gristmill.runs.pinned import ObjectVersion, StageCut
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage
from gristmill.worker.child.command import check_space

_READ_ONLY = 0o444


@dataclass(frozen=True)
class Whole:
    """A file that tasks are given whole: in which version, how its name ends, and how it is had again if it is gone."""

    version: ObjectVersion
    suffix: str
    again: str = ""  # empty: it cannot be


def whole_of(record: RunRecord, stage: Stage, branch: Branch, cut: StageCut) -> dict[str, Whole]:
    """Return what a branch's tasks are given whole, by name: inputs of the run, and what other branches have made."""
    given = {name: record.inputs[name] for name in branch.given}
    again = f"Make it again with: gristmill resume {record.run}"
    return {
        **{name: Whole(version, stored_suffix(version.key)) for name, version in given.items()},
        **{name: Whole(made, join_suffix(record, stage, name), again) for name, made in cut.joins.items()},
    }


def stage_whole(store: Storage, whole: Mapping[str, Whole], folder: Path) -> dict[str, Path]:
    """Write whole inputs to files in a folder, and return those by name.

    Refused where an input of the run is gone: each attempt would find it so; Corrupt where what a branch has made is.
    NoSpace where the disk cannot hold them.
    """
    if whole:
        check_space(folder, sum(each.version.size for each in whole.values()))
    files = whole_files(whole, folder)
    for name, file in files.items():
        _stage(store, name, whole[name], file)
    return files


def whole_files(whole: Mapping[str, Whole], folder: Path) -> dict[str, Path]:
    """Return where whole inputs lie in a folder, by name."""
    return {name: folder / f"{name}{each.suffix}" for name, each in whole.items()}


def _stage(store: Storage, name: str, whole: Whole, target: Path) -> None:
    version = whole.version
    try:
        with version.open(store, 0, version.size) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, MIB)
    except Changed as error:
        if whole.again:
            raise Corrupt(f"{name}: {version.key} is gone, or was replaced.", whole.again) from error
        raise _gone(name, version) from error
    target.chmod(_READ_ONLY)  # what one task changed, others would read


def _gone(name: str, version: ObjectVersion) -> Refused:
    which = f"version {version.version}" if version.version else f"ETag {version.etag}"
    fault = f"{name}: the {version.key} that the run began with ({which}) is gone, and no other is read in its place"
    return Refused([fault], "Drop the file again.")
