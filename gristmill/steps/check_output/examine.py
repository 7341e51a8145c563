"""Examine what a branch has made: what is there, what is missing and why, and what it leaves out."""

from typing import Any

from gristmill import keys
from gristmill.cache.entry import Reused
from gristmill.cache.reuse import find_reused, refuse
from gristmill.chunks import index
from gristmill.enums import Encoding, RecordFormat
from gristmill.errors import Corrupt
from gristmill.formats.registry import traits_of
from gristmill.limits import FIGURES_MAX
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage
from gristmill.runs.committed import read_committed
from gristmill.runs.coverage import Coverage
from gristmill.runs.cursor import Cursor
from gristmill.runs.evidence import Failure
from gristmill.runs.findings import BranchFinding, Counts
from gristmill.runs.left_out import find_left_out
from gristmill.runs.locations import branch_keys, find_branch, frozen, output_key, stage_keys
from gristmill.runs.pinned import StageCut, find_published, read_cut
from gristmill.runs.planned import as_planned
from gristmill.runs.records import RunRecord
from gristmill.steps.check_output.causes import SHOWN, CauseClients, failures, is_out_of_memory
from gristmill.steps.check_output.figures import check_figures
from gristmill.steps.check_output.left_out import NOTHING_LEFT_OUT, LeftOutTasks, measure_left_out
from gristmill.steps.check_output.verdict import (
    Expected,
    count_failure,
)
from gristmill.steps.merge.publish import is_published, publishes
from gristmill.storage import Storage

_GONE = "it is gone, or has other bytes than were copied"


def expected_of(store: Storage, record: RunRecord, stage: Stage) -> Expected:
    """Return what the branches of a stage must account for, by its chunk index."""
    cut = read_cut(store, stage_keys(record, stage.name))
    (first,) = index.read_values(store, cut.index, 0, 1)
    (end,) = index.read_values(store, cut.index, cut.values - 1, cut.values)
    size = None if traits_of(stage.split.records).is_items else index.stored(cut.encoding, first, end)
    return Expected(cut.tasks, size, cut.records, cut.encoding, stage.split.records is RecordFormat.CSV)


def examine(
    store: Storage, clients: CauseClients, record: RunRecord, cursor: Cursor, branch: Branch, expected: Expected
) -> tuple[list[BranchFinding], LeftOutTasks | None]:
    """Return what is found of what a branch makes, and the tasks that it leaves out: None where more are missing."""
    reused = find_reused(store, record, cursor.stage, branch)
    if reused and reused.outputs:
        return _examine_reused(store, record, cursor, branch, expected, reused), NOTHING_LEFT_OUT
    place = branch_keys(record, cursor.stage, branch.name)
    held = read_committed(store, place, expected.tasks)
    left = _left_out(store, record, cursor, branch, held)
    failures = _failures(store, clients, record, cursor, place, held, expected) if left is None else left.failures
    examined = [(made, held if made is branch else _committed(store, record, cursor, made)) for made in branch.made]
    found = [
        _examine_output(store, record, made, of_made, left if of_made.missing == held.missing else None, expected)
        for made, of_made in examined
    ]
    more: dict[str, Any] = {"failures": list(failures[:SHOWN]), "uncached": reused.refused if reused else ""}
    if len(branch.memories) > 1:
        more["memory"] = as_planned(store, place, cursor.attempt, branch).memories[0]
        more["out_of_memory"] = left is None and is_out_of_memory(clients, cursor, place)
    return [finding.model_copy(update=more) for finding in found], left


def _examine_reused(
    store: Storage, record: RunRecord, cursor: Cursor, branch: Branch, expected: Expected, reused: Reused
) -> list[BranchFinding]:
    """Return what is found of what was reused of another run; what does not hold is missing, and computed next."""
    held = {made.name: reused.outputs[name].coverage for name, made in branch.by_output.items()}
    found = [_examine_output(store, record, made, held[made.name], NOTHING_LEFT_OUT, expected) for made in branch.made]
    why = next((each.problem or _GONE for each in found if each.problem or not each.output), "")
    if not why:
        return [each.model_copy(update={"reused": reused.run, "saved": reused.dollars}) for each in found]
    refuse(store, record, cursor.stage, branch, f"what was reused of run {reused.run} does not hold: {why}")
    nothing = Counts(tasks=expected.tasks, done=0, records_in=0, records_out=0, bytes_in=0, bytes_out=0)
    return [
        BranchFinding(
            **dict(nothing),
            branch=made.name,
            output=None,
            failures=[],
            missing=expected.tasks,
            problem=None,
            reused=reused.run,
            uncached=why,
        )
        for made in branch.made
    ]


def _committed(store: Storage, record: RunRecord, cursor: Cursor, made: Branch) -> Coverage:
    place = branch_keys(record, cursor.stage, made.name)
    return read_committed(store, place, read_cut(store, stage_keys(record, cursor.stage)).tasks)


def _examine_output(
    store: Storage, record: RunRecord, branch: Branch, held: Coverage, left: LeftOutTasks | None, expected: Expected
) -> BranchFinding:
    """Return what is found of one output, failures apart; `left` is None where tasks are missing that must not be."""
    stage = find_branch(frozen(record), branch.name)[0]
    missing = held.tasks_missing if left is None else 0
    output = None if missing else _output(store, record, branch, held)
    checks, place = frozen(record).checks_of(branch.name), branch_keys(record, stage.name, branch.name)
    return BranchFinding(
        branch=branch.name,
        tasks=expected.tasks,
        done=expected.tasks - held.tasks_missing,
        records_in=held.records_in,
        records_out=held.records_out,
        bytes_in=held.bytes_in,
        bytes_out=held.size,
        output=output,
        failures=[],
        missing=missing,
        left_out=held.tasks_missing - missing,
        problem=None if left is None else count_failure(held, expected, stage.counts_match(branch), left),
        checks=check_figures(checks, read_figures(store, place)) if checks and output else [],
    )


def _left_out(store: Storage, record: RunRecord, cursor: Cursor, branch: Branch, held: Coverage) -> LeftOutTasks | None:
    """Return the tasks that a branch leaves out, most often none; None where one is missing that may not be."""
    if not held.missing:
        return NOTHING_LEFT_OUT
    place, stage = branch_keys(record, cursor.stage, branch.name), frozen(record).stage(cursor.stage)
    found = find_left_out(store, place, branch, held, cursor.attempt)
    if found is None:
        return None
    return measure_left_out(store, stage, read_cut(store, stage_keys(record, stage.name)), held, found)


def _failures(
    store: Storage,
    clients: CauseClients,
    record: RunRecord,
    cursor: Cursor,
    place: keys.BranchKeys,
    held: Coverage,
    expected: Expected,
) -> list[Failure]:
    """Return failures that explain what is missing, each with its task's place where that is in bytes of the input."""
    found = failures(store, clients, cursor, place, held.missing)
    if expected.encoding is not Encoding.PLAIN:
        return found
    cut = read_cut(store, stage_keys(record, cursor.stage))
    return [failure if failure.task is None else placed(store, cut, failure) for failure in found]


def placed(store: Storage, cut: StageCut, failure: Failure) -> Failure:
    """Return a task's failure with the task's place in the input."""
    task = failure.task or 0
    start, end = (index.stored(cut.encoding, 0, value) for value in index.read_values(store, cut.index, task, task + 2))
    return failure.model_copy(update={"start": start, "end": end})


def _output(store: Storage, record: RunRecord, branch: Branch, held: Coverage) -> str | None:
    """Return where the output is: published, or in its segments where it is no result; None where it is not there."""
    if not publishes(record, branch):
        stage = find_branch(frozen(record), branch.name)[0].name
        return branch_keys(record, stage, branch.name).segments if branch.has_results else None
    return output_key(record, branch.name) if is_published(store, record, branch, held) else None


def read_figures(store: Storage, branch: keys.BranchKeys) -> bytes:
    """Return the first bytes that Merge made of a branch: more than figures may have. Corrupt where they are gone."""
    made = find_published(store, branch)
    if made is None:
        raise Corrupt(f"{branch.published} is missing: what {branch.branch} wrote cannot be checked.")
    return made.output.read(store, 0, min(made.output.size, FIGURES_MAX + 1))
