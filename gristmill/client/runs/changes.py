"""What was changed of a pipeline since a run was frozen, and what a resume with the changes would keep."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gristmill.client.stack import Stack
from gristmill.code import push
from gristmill.code.archive import read_archive
from gristmill.code.digest import CodeFile
from gristmill.code.kept import read_kept
from gristmill.code.push import describe
from gristmill.code.source import Source
from gristmill.errors import Refused
from gristmill.pipeline.loading import FILE
from gristmill.runs.committed import read_committed
from gristmill.runs.fingerprints import why_redone
from gristmill.runs.locations import branch_keys, frozen, stage_keys
from gristmill.runs.pinned import find_cut
from gristmill.runs.records import RunRecord
from gristmill.steps.split.generation import next_generation, redefine


@dataclass(frozen=True)
class BranchChange:
    """A branch of the next generation: its tasks (None: not cut yet), those that are kept, and why it is redone."""

    branch: str
    tasks: int | None
    kept: int
    why: str  # empty: it is computed as before

    @property
    def line(self) -> str:
        """Return it in a few words."""
        of_all = "not begun" if self.tasks is None else f"{self.kept} of {self.tasks}"
        if self.why:
            return f"{self.branch} {of_all}: {self.why}"
        return f"{self.branch} kept {self.kept}/{self.tasks}" if self.tasks else f"{self.branch} {of_all}"


@dataclass(frozen=True)
class Changes:
    """The next generation of a run: its record, the files that were changed, and its branches."""

    record: RunRecord
    files: Sequence[str]
    branches: Sequence[BranchChange]
    version: int | None = None  # that was pushed for it; None: what every run takes
    was: int | None = None  # the pushed version that the run has been at until now
    folder: bool = False  # a folder as it is, which is not pushed yet

    @property
    def request(self) -> dict[str, Any]:
        """Return what the execution is asked for."""
        return {"version": self.version} if self.version else {}

    @property
    def headline(self) -> str:
        """Return what was changed."""
        what = f"{self.record.dropped.pipeline} was changed ({', '.join(self.files)})"
        now = self.record.code.version if self.record.code else None
        onto = "the folder as it is" if self.folder else describe(now)
        is_other = self.folder or now != self.was
        versions = f" It is at {describe(self.was)}, and would go on at {onto}." if is_other else ""
        return f"{what} since run {self.record.run} was frozen.{versions}"

    @property
    def line(self) -> str:
        """Return what is kept, and why the rest is not."""
        return " · ".join(branch.line for branch in self.branches)


def find_changes(stack: Stack, record: RunRecord, roots: Sequence[Path], version: int | None = None) -> Changes | None:
    """Return what was changed since a run was frozen, None where nothing was; Refused where that cannot be run."""
    return _compare(stack, record, *redefine(stack.store, record, roots, stack.limits, version), version)


def plan_changes(stack: Stack, record: RunRecord, code: push.Code) -> Changes:
    """Return what code would change of a run if it were pushed for it; Refused as if it were."""
    source = push.source_of(code)
    found = _compare(stack, record, next_generation(record, source, stack.limits), source, None)
    return replace(_refusing_none(found, record, is_folder=True), folder=True)


def _compare(stack: Stack, record: RunRecord, after: RunRecord, source: Source, version: int | None) -> Changes | None:
    if _is_same(record, after):
        return None
    files = changed_files(read_kept(stack.store, record), read_archive(source.archive, str(FILE)))
    stages = frozen(after).stages
    branches = [_branch(stack, record, after, stage.name, branch.name) for stage in stages for branch in stage.branches]
    return Changes(after, files, branches, version, record.code.version if record.code else None)


def _is_same(before: RunRecord, after: RunRecord) -> bool:
    codes = [record.code.digest if record.code else "" for record in (before, after)]
    return codes[0] == codes[1] and (before.pipeline, before.parameters) == (after.pipeline, after.parameters)


def changed_files(before: Sequence[CodeFile], after: Sequence[CodeFile]) -> list[str]:
    """Return the paths of the files that differ, or are in one of them alone. Pure."""
    old, new = ({file.path: file for file in files} for files in (before, after))
    return sorted(path for path in {*old, *new} if old.get(path) != new.get(path))


def read_changes(stack: Stack, record: RunRecord, roots: Sequence[Path], version: int | None = None) -> Changes:
    """Return what was changed since a run was frozen; Refused where nothing was, or that cannot be run."""
    return _refusing_none(find_changes(stack, record, roots, version), record, is_folder=version is not None)


def _refusing_none(found: Changes | None, record: RunRecord, *, is_folder: bool) -> Changes:
    if found:
        return found
    name = record.dropped.pipeline
    what = f"the folder of {name}" if is_folder else f"{name}, as runs take it,"
    raise Refused(
        [f"{what} is as it was when run {record.run} was frozen: there is no change"],
        f"Name the folder that you changed: --with FOLDER. Or go on as it was, with: gristmill resume {record.run}",
    )


def _branch(stack: Stack, before: RunRecord, after: RunRecord, stage: str, branch: str) -> BranchChange:
    cut = find_cut(stack.store, stage_keys(after, stage))
    missing = read_committed(stack.store, branch_keys(after, stage, branch), cut.tasks).tasks_missing if cut else 0
    kept = cut.tasks - missing if cut else 0
    return BranchChange(branch, cut.tasks if cut else None, kept, why_redone(before, after, branch))
