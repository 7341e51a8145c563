"""CheckOutput: check that a stage is complete and its counts agree. This is the only way to COMPLETE."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from gristmill import keys
from gristmill.cache.identity import unpinned_notes
from gristmill.cache.keep import keep_entries
from gristmill.enums import CheckVerdict
from gristmill.errors import Corrupt, NotFound
from gristmill.formats.encoding import warnings
from gristmill.limits import STATE_REASON_MAX
from gristmill.pipeline.stage import Stage
from gristmill.runs.cursor import Cursor, first_attempt, nth_attempt
from gristmill.runs.evidence import Failure
from gristmill.runs.findings import BranchFinding, Finding
from gristmill.runs.locations import frozen
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import read_record
from gristmill.runs.skipping import leave_out_readers
from gristmill.steps.check_output.batch import check_batch
from gristmill.steps.check_output.causes import CauseClients
from gristmill.steps.check_output.examine import examine, expected_of
from gristmill.steps.check_output.left_out import keep_left_out
from gristmill.steps.check_output.verdict import (
    cache_notes,
    judge,
    judge_results,
    judge_unreadable,
    memory_notes,
)
from gristmill.steps.merge.publish import lost_results
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
    if record.items:
        return check_batch(store, cursor, record.items)
    stage = frozen(record).stage(cursor.stage)
    tries = nth_attempt(cursor.attempt)
    key = keys.check(cursor.run, stage.name, cursor.attempt, record.generation)
    seen = store.head(key)
    found: list[BranchFinding] = []
    left_out = record.left_out
    notes: list[str] = []
    try:
        expected = expected_of(store, record, stage)
        examined = [examine(store, clients, record, cursor, branch, expected) for branch in stage.branches]
        found = [
            _explained(finding, refused.get(branch.name))
            for branch, (findings, _) in zip(stage.branches, examined, strict=True)
            for finding in findings
        ]
        pairs = zip(stage.branches, examined, strict=True)
        decided = {branch.name: left for branch, (_, left) in pairs if left is not None}
        left_out = keep_left_out(store, record, stage, expected.tasks, decided)
        notes = [*warnings(expected.encoding), *memory_notes(stage, found), *cache_notes(found)]
        notes += unpinned_notes(record, stage)
        verdict, reason = judge(stage, found, tries)
    except (Corrupt, NotFound) as error:
        verdict, reason = judge_unreadable(stage, str(error), tries)
    if verdict is CheckVerdict.COMPLETE:
        record = leave_out_readers(store, record, cursor.fence, _empty_lists(stage, found))
        left_out = {name: left for name, left in left_out.items() if name in _branches(record)}
    if verdict is CheckVerdict.COMPLETE and frozen(record).after(stage.name) is None:
        earlier = frozen(record).stages[:-1]  # those of this stage were looked for just now
        verdict, reason = judge_results(list(lost_results(store, record, earlier)), left_out, record.run)
    if verdict is CheckVerdict.COMPLETE:
        keep_entries(store, record, stage, found)
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


def _explained(found: BranchFinding, submit_failure: Failure | None) -> BranchFinding:
    """Return a finding with the failure of a refused job, where outputs are missing because of it."""
    if submit_failure is None or not found.missing:
        return found
    return found.model_copy(update={"failures": [submit_failure, *found.failures]})


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
