"""The first tasks of a pipeline in this process, over a file of this machine: no bucket, no queue, no function.

The chunks, streams, jobs and merges are those of a run; only the objects lie in a temporary folder.
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gristmill import keys
from gristmill.client.drop.first_chunks import index_first
from gristmill.client.drop.in_process import run_child
from gristmill.client.drop.lacking import lacking_secrets
from gristmill.client.drop.plan import record_of
from gristmill.client.drop.tried import HEAD, Fault, Tried, line_of
from gristmill.client.drop.upload import Upload
from gristmill.client.push.libraries import try_libraries
from gristmill.code.kept import keep_code, use_libraries
from gristmill.errors import Refused
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.inputs import cut_input
from gristmill.pipeline.loading import load
from gristmill.pipeline.stage import Stage
from gristmill.runs.checks import CheckResult
from gristmill.runs.committed import read_committed
from gristmill.runs.coverage import Coverage
from gristmill.runs.cursor import Cursor
from gristmill.runs.evidence import Failure
from gristmill.runs.locations import branch_keys, frozen, output_key, stage_keys
from gristmill.runs.pinned import read_cut
from gristmill.runs.reading import read
from gristmill.runs.records import RunRecord
from gristmill.runs.skipping import with_empty
from gristmill.steps.check_output.examine import expected_of, placed, read_figures
from gristmill.steps.check_output.figures import check_figures
from gristmill.steps.check_output.verdict import count_failure
from gristmill.steps.merge.publish import publish, publishes
from gristmill.storage.folder import FolderStorage
from gristmill.worker.child.setting import ChildSetting

RUN = "try"


@dataclass
class Trial:
    """A checked file and a folder to try it in."""

    store: FolderStorage
    record: RunRecord
    tasks: int

    def run(self) -> Iterator[Tried]:
        """Yield what became of each branch, stage by stage, up to a stage that does not end well."""
        for written in self.record.pipeline.stages if self.record.pipeline else ():
            if reason := self.record.skipped.get(written.name):
                yield from (
                    Tried(written.name, branch.name, left_out=f"left out: {reason}") for branch in written.branches
                )
                continue
            stage, found = frozen(self.record).stage(written.name), []
            index_first(self.store, self.record, stage, self.tasks)
            for branch in stage.branches:
                for tried in self._try(stage, branch):
                    found.append(tried)
                    yield tried
            if not all(tried.is_done for tried in found):
                return
            empty = [tried.branch for tried in found if stage.may_list_nothing(tried.branch) and not tried.bytes_out]
            self.record = with_empty(self.record, empty)

    @property
    def results(self) -> list[tuple[str, Path]]:
        """Return the results made so far: name and file."""
        dropped = self.record.dropped
        prefix = keys.results_prefix(dropped.pipeline, dropped.name, RUN)
        return [(made.key.removeprefix(prefix), self.store.path(made.key)) for made in self.store.list(prefix)]

    def _try(self, stage: Stage, branch: Branch) -> Iterator[Tried]:
        """Yield what became of each output of a branch."""
        if branch.mpi is not None:
            yield Tried(stage.name, branch.name, left_out="an MPI job is not tried: give it to `gristmill run`")
            return
        began = time.perf_counter()
        failed = self._run(stage, branch)
        seconds = time.perf_counter() - began
        yield from (self._look(stage, made, failed, seconds) for made in branch.made)

    def _look(self, stage: Stage, branch: Branch, failed: int, seconds: float) -> Tried:
        place = branch_keys(self.record, stage.name, branch.name)
        expected = expected_of(self.store, self.record, stage)
        held = read_committed(self.store, place, expected.tasks)
        problem = None if held.missing else count_failure(held, expected, stage.counts_match(branch))
        if not held.missing and not problem and publishes(self.record, branch):
            publish(self.store, self.record, branch, held)
        checks = () if held.missing or problem else self._check(branch, place)
        return Tried.of(
            stage,
            branch,
            held,
            tasks=expected.tasks,
            failed=failed,
            seconds=seconds,
            head=self._head(branch, held),
            faults=tuple(self._faults(stage, place)),
            problem=problem,
            checks=tuple(checks),
        )

    def _check(self, branch: Branch, place: keys.BranchKeys) -> Sequence[CheckResult]:
        checks = frozen(self.record).checks_of(branch.name)
        return check_figures(checks, read_figures(self.store, place)) if checks else []

    def _run(self, stage: Stage, branch: Branch) -> int:
        """Do a branch's tasks as a child does them; return how many failed."""
        fingerprint = branch_keys(self.record, stage.name, branch.name).fingerprint
        cursor, bucket = Cursor(RUN, stage.name, 0), self.store.bucket
        setting = ChildSetting(cursor, branch.name, fingerprint, 0, 1, 0, 1, bucket, RUN, 1, "")
        return run_child(self.store, setting)

    def _head(self, branch: Branch, held: Coverage) -> bytes:
        key = output_key(self.record, branch.name)
        made = [key] if self.store.head(key) else [file.key for file in self.store.list(f"{key.rstrip('/')}/")]
        if made:
            return self.store.read(made[0], 0, HEAD)
        return b"".join(
            self.store.read(part.segment, part.start, min(part.end, part.start + HEAD)) for part in held.slices[:1]
        )

    def _faults(self, stage: Stage, place: keys.BranchKeys) -> Iterator[Fault]:
        for listed in self.store.list(place.failures):
            cut = read_cut(self.store, stage_keys(self.record, stage.name))
            failure = placed(self.store, cut, read(self.store, Failure, listed.key))
            yield Fault(failure, line_of(self.store, stage, cut, failure.start or 0))


def prepare(upload: Upload, roots: Sequence[Path], tasks: int, folder: Path) -> Trial:
    """Return the trial of a file's first tasks in an empty folder; Refused with every fault that Split would find."""
    absent = _absent(upload, roots)
    if absent:
        raise Refused(absent)
    _, record, source = record_of(upload, roots)
    lacking = lacking_secrets(source.pipeline.branches, os.environ) if source else []
    if record.faults or source is None or lacking:
        raise Refused([*record.faults, *lacking])
    files = {key: file.absolute() for key, file in upload.files.items()}
    store = FolderStorage(folder, upload.file.absolute(), upload.data_key, files)
    libraries = source.code.libraries or try_libraries(store, source)
    code = source.code.model_copy(update={"object": keep_code(store, RUN, source.archive), "libraries": libraries})
    record = record.model_copy(update={"run": RUN, "code": code})
    use_libraries(store, record, folder)  # here, where they stay for all of its branches
    return Trial(store, record, tasks)


def _absent(upload: Upload, roots: Sequence[Path]) -> list[str]:
    """Return which inputs are no files of this machine, whose bucket a trial does not read."""
    inputs = load(upload.pipeline, roots).inputs
    wanted = [name for name in {**inputs, **upload.inputs} if name != cut_input(inputs)]
    return [
        f"{name}: a trial reads files of this machine alone; give one with --input {name}=FILE"
        for name in wanted
        if not isinstance(upload.inputs.get(name), Path)
    ]
