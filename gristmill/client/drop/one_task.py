"""One task of a run in this process: its own input, code and parameters; nothing of the bucket is changed."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gristmill import keys
from gristmill.chunks import index
from gristmill.client.drop.in_process import run_child
from gristmill.client.drop.lacking import lacking_secrets
from gristmill.client.drop.trial import RUN
from gristmill.client.drop.tried import HEAD, Fault, Tried, line_of
from gristmill.errors import Refused
from gristmill.limits import MIB
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage
from gristmill.runs.at_work import check_contract
from gristmill.runs.committed import read_committed
from gristmill.runs.cursor import Cursor, first_attempt
from gristmill.runs.evidence import Failure
from gristmill.runs.locations import branch_keys, frozen, stage_keys, suffix
from gristmill.runs.pinned import StageCut, find_cut
from gristmill.runs.reading import read
from gristmill.runs.records import RunRecord
from gristmill.steps.check_output.examine import placed
from gristmill.storage import Storage
from gristmill.storage.draft import DraftStorage
from gristmill.storage.folder import FolderStorage
from gristmill.worker.child.setting import ChildSetting

_COUNTED_MAX = 64 * MIB  # of the input are read to tell the line that a task begins in


@dataclass(frozen=True)
class OneTask:
    """A task of a branch of a run, to be done once more; what that writes comes to lie in `own`."""

    store: Storage
    own: FolderStorage
    record: RunRecord
    stage: Stage
    branch: Branch
    cut: StageCut
    task: int

    @property
    def output(self) -> Path:
        """Return the file that it writes, once it is done."""
        return self.own.path(self._keys.segment(keys.Span(self.task, self.task + 1)))

    @property
    def output_suffix(self) -> str:
        """Return how the name of that file should end."""
        return suffix(self.record, self.branch)

    def run(self) -> Tried:
        """Do it as a child does it; return what became of it."""
        cursor = Cursor(self.record.run, self.stage.name, first_attempt(self.record.fence))
        self.own.put(self._keys.tasks(cursor.attempt), index.pack([self.task]))
        names = self.branch.name, self._keys.fingerprint
        setting = ChildSetting(cursor, *names, 0, 1, 0, 1, self.store.bucket, RUN, 1, "")
        began = time.perf_counter()
        failed = run_child(DraftStorage(self.store, self.own), setting)
        seconds = time.perf_counter() - began
        held = read_committed(self.own, self._keys, self.task + 1, self.task)
        return Tried.of(
            self.stage,
            self.branch,
            held,
            tasks=1,
            failed=failed,
            seconds=seconds,
            head=b"".join(self.own.read(part.segment, part.start, min(part.end, HEAD)) for part in held.slices),
            faults=tuple(self._faults()),
        )

    @property
    def _keys(self) -> keys.BranchKeys:
        return branch_keys(self.record, self.stage.name, self.branch.name)

    def _faults(self) -> Iterator[Fault]:
        for listed in self.own.list(self._keys.failures):
            failure = placed(self.store, self.cut, read(self.own, Failure, listed.key))
            start = failure.start or 0
            line = line_of(self.store, self.stage, self.cut, start) if start <= _COUNTED_MAX else None
            yield Fault(failure, line)


def choose_task(store: Storage, record: RunRecord, where: tuple[str, str], task: int, folder: Path) -> OneTask:
    """Return a task of a run, to be done in an empty folder. `where` names stage and branch; "" is the only there is.

    Refused where there is no such task, or it is of a job over several nodes.
    """
    check_contract(record)
    stage, branch = _choose(record, *where)
    if branch.mpi is not None:
        raise Refused([f"{stage.name}/{branch.name} is an MPI job, which is not tried"], "Give it to: gristmill resume")
    lacking = lacking_secrets([branch], os.environ)
    if lacking:
        raise Refused(lacking)
    cut = find_cut(store, stage_keys(record, stage.name))
    if cut is None:
        raise Refused([f"stage {stage.name} of run {record.run} has not begun: it has no tasks yet"])
    if not 0 <= task < cut.tasks:
        raise Refused([f"stage {stage.name} of run {record.run} has no task {task}: it has 0 to {cut.tasks - 1}"])
    return OneTask(store, FolderStorage(folder, folder, ""), record, stage, branch, cut, task)


def _choose(record: RunRecord, stage: str, branch: str) -> tuple[Stage, Branch]:
    if record.pipeline is None:
        raise Refused([f"run {record.run} was refused: it has no tasks"], "Drop the file again.")
    all_there = [(each, made) for each in frozen(record).stages for made in each.branches]
    found = [pair for pair in all_there if stage in ("", pair[0].name) and branch in ("", pair[1].name)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{each.name}/{made.name}" for each, made in found or all_there)
    fault = "has several branches" if found else f"has no branch {stage or '*'}/{branch or '*'}"
    raise Refused([f"run {record.run} {fault}; there are: {names}"], "Choose one with --stage and --branch.")
