"""What a run would do: of a file before it is dropped, or of a run before it is resumed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gristmill.batch.plan import BranchPlan, plan_branch, stage_tasks
from gristmill.chunks.cutting import ensure_index
from gristmill.client.drop.drops import parameter_faults
from gristmill.client.drop.upload import Upload
from gristmill.client.runs.find import Run
from gristmill.client.stack import Stack
from gristmill.client.uncontained import uncontained_of
from gristmill.code.source import Source
from gristmill.cost.ceiling import over_ceiling
from gristmill.enums import Compute, RunKind
from gristmill.errors import Refused
from gristmill.formats.encoding import warnings
from gristmill.runs.committed import read_committed
from gristmill.runs.drop import Drop
from gristmill.runs.locations import branch_keys, frozen, stage_keys
from gristmill.runs.pinned import find_cut
from gristmill.runs.records import Bill, RunRecord
from gristmill.steps.split.claimant import Claimant, RunLimits
from gristmill.steps.split.preparing import prepare, refusing_unpushed
from gristmill.steps.split.split import price
from gristmill.storage import Storage
from gristmill.storage.one_file import OneFileStorage

MaxvCpus = Mapping[Compute, float]


def record_of(
    upload: Upload,
    roots: Sequence[Path],
    pushed: Storage | None = None,
    limits: RunLimits | None = None,
    beyond: Storage | None = None,
) -> tuple[OneFileStorage, RunRecord, Source | None]:
    """Return the record that Split would make of a file, with every fault of S3's and Split's, and the code of it.

    It would find pipelines that were pushed to the bucket `pushed` (None: none), and those under `roots`; and in the
    bucket `beyond` inputs that are no files of this machine.
    """
    bucket = OneFileStorage(upload.file, upload.data_key, upload.metadata, pushed, upload.files, beyond)
    if upload.inputs:
        bucket.put(upload.key, upload.note({}))
    drop = Drop("", upload.key, None, "", upload.file.stat().st_size, "", "")
    record, source = prepare(bucket, drop, Claimant("plan", datetime.now(UTC), roots, limits or RunLimits()))
    record = record if pushed is None else refusing_unpushed(record)
    return bucket, record.model_copy(update={"faults": [*parameter_faults(upload), *record.faults]}), source


@dataclass(frozen=True)
class Plan:
    """A run to be: its record, its branches, its estimated bill, and what its owner should know all the same."""

    record: RunRecord
    branches: list[BranchPlan]
    bill: Bill
    warnings: list[str]


def plan_file(
    upload: Upload,
    roots: Sequence[Path],
    limits: RunLimits,
    pushed: Storage | None = None,
    beyond: Storage | None = None,
) -> Plan:
    """Return what a run over a file would do.

    Refused with every fault that Split would find, a price above the ceiling among them. The file is cut as Split cuts
    it. How later stages will be cut is known once the earlier ones are done; the bill takes them to read as much.
    """
    bucket, record, _ = record_of(upload, roots, pushed, limits, beyond)
    if record.faults:
        raise Refused(record.faults, "Nothing was uploaded.")
    pipeline = frozen(record)
    first = pipeline.stages[0]
    cut = ensure_index(bucket, record, first)
    expected = price(record, cut, limits)
    dear = over_ceiling(expected, record.max_cost)
    if dear:
        raise Refused(dear)
    others = [stage for stage in pipeline.stages[1:] if stage.reads is None and not stage.joined]
    cuts = {first.name: cut, **{stage.name: ensure_index(bucket, record, stage) for stage in others}}
    tasks = stage_tasks(pipeline, {name: made.tasks for name, made in cuts.items()})
    planned = [
        plan_branch(
            stage, branch, tasks[stage.name], 0, record.input.size if stage.name in cuts else None, limits.max_vcpus
        )
        for stage in pipeline.stages
        for branch in stage.branches
    ]
    return Plan(record, planned, expected, [*warnings(cut.encoding), *uncontained_of(record)])


def planned_record(run: Run) -> RunRecord:
    """Return a run's record; Refused where it never came to be planned, and for a batch."""
    if run.record is None or run.record.pipeline is None:
        raise Refused([f"run {run.run} never came to be planned."], "Drop the file again.")
    if run.record.kind is RunKind.BATCH:
        raise Refused(
            [f"run {run.run} is a batch: its items are planned, each for itself."],
            f"See them: gristmill compare {run.run}; a resume goes on with those that failed or were stopped.",
        )
    return run.record


def plan_resume(stack: Stack, record: RunRecord, max_vcpus: MaxvCpus) -> list[BranchPlan]:
    """Return a run's branches if it were resumed, with what would be reused of each."""
    pipeline = frozen(record)
    cuts = {stage.name: find_cut(stack.store, stage_keys(record, stage.name)) for stage in pipeline.stages}
    known = {name: cut.tasks for name, cut in cuts.items() if cut}
    wanted = stage_tasks(pipeline, known)
    planned = []
    for stage in pipeline.stages:
        for branch in stage.branches:
            tasks = known.get(stage.name)
            place = branch_keys(record, stage.name, branch.name)
            done = tasks - read_committed(stack.store, place, tasks).tasks_missing if tasks else 0
            cut = cuts[stage.name]
            size = cut.source.size if cut else None
            planned.append(plan_branch(stage, branch, wanted[stage.name], done, size, max_vcpus))
    return planned
