"""Telling what was changed of a pipeline since a run was frozen, and what a resume with the changes would keep."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gristmill.cli.terminal.session import Session
from gristmill.cli.terminal.show import note, out
from gristmill.errors import Refused

if TYPE_CHECKING:
    from gristmill.client.runs.changes import Changes
    from gristmill.code.push import Code
    from gristmill.runs.records import RunRecord


def wanted_changes(here: Session, record: "RunRecord", folder: Path | None = None) -> "Changes":
    """Return what was changed, by a `folder` pushed for this run alone; Refused where nothing was, or cannot be run."""
    from gristmill.client.pipelines import pipeline_folders
    from gristmill.client.runs.changes import read_changes

    version = _push(here, record, folder) if folder else None
    return read_changes(here.stack, record, pipeline_folders(), version)


def planned_changes(here: Session, record: "RunRecord", folder: Path) -> "Changes":
    """Return what would be changed by a `folder` if it were pushed for this run; nothing is."""
    from gristmill.client.runs.changes import plan_changes

    return plan_changes(here.stack, record, _code_of(record, folder))


def _push(here: Session, record: "RunRecord", folder: Path) -> int:
    from gristmill.client.push.versions import push_for_one_run

    return push_for_one_run(here.stack, _code_of(record, folder), note).number


def _code_of(record: "RunRecord", folder: Path) -> "Code":
    from gristmill.client.push.folder import read_code

    code = read_code(folder)
    if code.pipeline != record.dropped.pipeline:
        whose = f"{folder} is the pipeline {code.pipeline}, and run {record.run} is one of {record.dropped.pipeline}"
        raise Refused([f"{whose}."])
    return code


def noticed_changes(here: Session, record: "RunRecord") -> "Changes | None":
    """Return what was changed, None where nothing was: a pipeline that is gone or broken by now is no matter here."""
    from gristmill.client.pipelines import pipeline_folders
    from gristmill.client.runs.changes import find_changes

    try:
        return find_changes(here.stack, record, pipeline_folders())
    except Refused:
        return None


def tell_changes(changes: "Changes", tell: Callable[[str], None] = out, *, taken: bool) -> None:
    """Show what was changed and what is kept; unless they are `taken` over, how they would be."""
    tell(changes.headline)
    if not taken:
        again = f"gristmill resume {changes.record.run}"
        tell(f"As it was: {again}. With the changes: {again} --with-changes")
    tell(f"With the changes: {changes.line}")


def facts_of(changes: "Changes | None") -> dict[str, Any] | None:
    """Return what was changed for machines."""
    return {"files": changes.files, "branches": [vars(branch) for branch in changes.branches]} if changes else None
