"""CheckOutput: check that a stage is complete and its counts agree. This is the only way to COMPLETE."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from gristmill import keys
from gristmill.chunks import index
from gristmill.enums import CheckVerdict, Encoding, RecordFormat
from gristmill.errors import Corrupt, NotFound
from gristmill.formats.encoding import warnings
from gristmill.formats.registry import traits_of
from gristmill.limits import FIGURES_MAX, STATE_REASON_MAX
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage
from gristmill.runs.committed import read_committed
from gristmill.runs.coverage import Coverage
from gristmill.runs.cursor import Cursor, first_attempt, nth_attempt
from gristmill.runs.evidence import Failure
from gristmill.runs.findings import BranchFinding, Finding
from gristmill.runs.left_out import find_left_out
from gristmill.runs.locations import branch_keys, find_branch, frozen, output_key, stage_keys
from gristmill.runs.pinned import StageCut, find_published, read_cut
from gristmill.runs.planned import as_planned
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import read_record
from gristmill.runs.skipping import leave_out_readers
from gristmill.steps.check_output.causes import SHOWN, CauseClients, failures, is_out_of_memory
from gristmill.steps.check_output.figures import check_figures
from gristmill.steps.check_output.left_out import NOTHING_LEFT_OUT, LeftOutTasks, keep_left_out, measure_left_out
from gristmill.steps.check_output.verdict import (
    Expected,
    count_failure,
    judge,
    judge_results,
    judge_unreadable,
    memory_notes,
)
from gristmill.steps.merge.publish import is_published, lost_results, publishes
from gristmill.storage import Storage

logger = logging.getLogger(__name__)
_FIRST_WAIT = 2  # seconds before the first retry; doubles up to the longest
_LONGEST_WAIT = 60


def check_output(
    store: Storage, clients: CauseClients, cursor: Cursor, refused: Mapping[str, Failure]
) -> dict[str, Any]:
    """Examine every branch of the cursor's stage, write the finding, and return the verdict and the next cursor.

    `refused` has, by branch, the jobs of this attempt that Batch did not accept.
    """
    record = read_record(store, cursor.run)
    stage = frozen(record).stage(cursor.stage)
    tries = nth_attempt(cursor.attempt)
    key = keys.check(cursor.run, stage.name, cursor.attempt, record.generation)
    seen = store.head(key)
    found: list[BranchFinding] = []
    left_out = record.left_out
    notes: list[str] = []
    try:
        expected = expected_of(store, record, stage)
        examined = [_examine(store, clients, record, cursor, branch, expected) for branch in stage.branches]
        found = [
            _explained(finding, refused.get(branch.name))
            for branch, (findings, _) in zip(stage.branches, examined, strict=True)
            for finding in findings
        ]
        pairs = zip(stage.branches, examined, strict=True)
        decided = {branch.name: left for branch, (_, left) in pairs if left is not None}
        left_out = keep_left_out(store, record, stage, expected.tasks, decided)
        notes = [*warnings(expected.encoding), *memory_notes(stage, found)]
        verdict, reason = judge(stage, found, tries)
    except (Corrupt, NotFound) as error:
        verdict, reason = judge_unreadable(stage, str(error), tries)
    if verdict is CheckVerdict.COMPLETE:
        record = leave_out_readers(store, record, cursor.fence, _empty_lists(stage, found))
        left_out = {name: left for name, left in left_out.items() if name in _branches(record)}
    if verdict is CheckVerdict.COMPLETE and frozen(record).after(stage.name) is None:
        earlier = frozen(record).stages[:-1]  # those of this stage were looked for just now
        verdict, reason = judge_results(list(lost_results(store, record, earlier)), left_out, record.run)
    finding = Finding(
        run=cursor.run,
        stage=stage.name,
        attempt=cursor.attempt,
        verdict=verdict,
        reason=reason,
        branches=found,
        warnings=notes,
    )
    if not store.put_over(key, finding.model_dump_json().encode(), seen):
        logger.warning("left alone: %s, which another try has written meanwhile", key)
    return _answer(record, stage, cursor, verdict, reason, tries)


def _branches(record: RunRecord) -> set[str]:
    return {branch.name for stage in frozen(record).stages for branch in stage.branches}


def _empty_lists(stage: Stage, found: Sequence[BranchFinding]) -> list[str]:
    """Return the branches of a complete stage that list nothing, and may."""
    return [finding.branch for finding in found if stage.may_list_nothing(finding.branch) and not finding.bytes_out]


def expected_of(store: Storage, record: RunRecord, stage: Stage) -> Expected:
    """Return what the branches of a stage must account for, by its chunk index."""
    cut = read_cut(store, stage_keys(record, stage.name))
    (first,) = index.read_values(store, cut.index, 0, 1)
    (end,) = index.read_values(store, cut.index, cut.values - 1, cut.values)
    size = None if traits_of(stage.split.records).is_items else index.stored(cut.encoding, first, end)
    return Expected(cut.tasks, size, cut.records, cut.encoding, stage.split.records is RecordFormat.CSV)


def _examine(
    store: Storage, clients: CauseClients, record: RunRecord, cursor: Cursor, branch: Branch, expected: Expected
) -> tuple[list[BranchFinding], LeftOutTasks | None]:
    """Return what is found of what a branch makes, and the tasks that it leaves out: None where more are missing."""
    place = branch_keys(record, cursor.stage, branch.name)
    held = read_committed(store, place, expected.tasks)
    left = _left_out(store, record, cursor, branch, held)
    failures = _failures(store, clients, record, cursor, place, held, expected) if left is None else left.failures
    examined = [(made, held if made is branch else _committed(store, record, cursor, made)) for made in branch.made]
    found = [
        _examine_output(store, record, made, of_made, left if of_made.missing == held.missing else None, expected)
        for made, of_made in examined
    ]
    more: dict[str, Any] = {"failures": list(failures[:SHOWN])}
    if len(branch.memories) > 1:
        more["memory"] = as_planned(store, place, cursor.attempt, branch).memories[0]
        more["out_of_memory"] = left is None and is_out_of_memory(clients, cursor, place)
    return [finding.model_copy(update=more) for finding in found], left


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


def _explained(found: BranchFinding, submit_failure: Failure | None) -> BranchFinding:
    """Return a finding with the failure of a refused job, where outputs are missing because of it."""
    if submit_failure is None or not found.missing:
        return found
    return found.model_copy(update={"failures": [submit_failure, *found.failures]})


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


def _answer(
    record: RunRecord, stage: Stage, cursor: Cursor, verdict: CheckVerdict, reason: str, tries: int
) -> dict[str, Any]:
    following = frozen(record).after(stage.name)
    ahead = cursor
    if verdict is CheckVerdict.COMPLETE and following:
        ahead = Cursor(cursor.run, following.name, first_attempt(cursor.fence))
    elif verdict is CheckVerdict.INCOMPLETE:
        ahead = Cursor(cursor.run, stage.name, cursor.attempt + 1)
    return {
        **ahead.as_json(),
        "verdict": verdict,
        "last": following is None,
        "wait": min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (tries - 1)),
        "reason": reason[:STATE_REASON_MAX],
    }
