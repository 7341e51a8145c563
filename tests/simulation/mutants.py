"""Mutants: the core with a promise's mechanism taken out, to show that the laws find it. One entry each."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from gristmill import keys
from gristmill.batch import jobs as batch_jobs
from gristmill.catalogue import table
from gristmill.client.runs import control
from gristmill.outcome import ownership
from gristmill.runs import at_work, committed
from gristmill.runs.coverage import Coverage, cover
from gristmill.runs.evidence import Failure, Written
from gristmill.runs.left_out import task_numbers
from gristmill.steps.check_output import check_output, examine, left_out
from gristmill.steps.job_map import job_map
from gristmill.steps.merge import merge, publish
from gristmill.steps.notify import notify
from gristmill.steps.split import claim, split
from gristmill.storage.s3 import S3Storage
from gristmill.worker.child.segment import Segment
from gristmill.worker.node import main_node
from gristmill.worker.node.branch_work import BranchWork
from gristmill.worker.node.verdict import Verdict

Swap = tuple[Any, str, Any]


def nothing(*_given: Any, **_named: Any) -> None:
    """Stand for a check that is not made."""


def _seal_receipt_first(self: Segment, store: Any, setting: Any) -> None:
    if self.bytes_in:
        span = keys.Span(self.first, self.end)
        part = self.parts[""]
        part.file.seek(0)
        body = part.file.read()
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        written = Written(etag=etag, offsets=part.offsets, records_out=part.records_out)
        store.put(setting.keys.receipt(span), self._receipt(setting, {"": written}).model_dump_json().encode())
        store.put(setting.keys.segment(span), body)
    for part in self.parts.values():
        part.file.close()


def _commits_any(receipt: Any, span: keys.Span, _segment: Any) -> bool:
    return (receipt.first, receipt.end) == (span.first, span.end)


def _claim_unasked(store: Any, drop: Any, claimant: Any) -> Any:
    record, source = claim.prepare(store, drop, claimant)
    record = claim.keeping_code(store, claim.defined(record, claimant.definitions), source)
    store.put(keys.run_record(record.run), record.model_dump_json().encode())
    return record


def _ends_all_jobs(batch: Any, queues: Any, run: str, reason: str, _fence: int | None = None) -> Any:
    return batch_jobs.end_jobs(batch, queues, run, reason)


def _without_functions(stack: Any, run: str) -> Any:
    _, now = _functions(stack, run)
    return [], now


def _reads_nothing(_store: Any, _branch: Any, tasks: int, first: int = 0) -> Coverage:
    return cover(tasks, [], first)


def _misses_nothing(store: Any, branch: Any, tasks: int, first: int = 0) -> Coverage:
    return Coverage(committed.read_committed(store, branch, tasks, first).slices, [])


def _always_first(stage: Any, found: Any, _tries: int) -> Any:
    return _judge(stage, found, 1)


def _without_etags(*given: Any, **named: Any) -> Any:
    return _Piece(*given[:3])


def _no_outcome(_self: Any, _key: str, _body: bytes, _check: Any) -> None:
    """Write no outcome once the notice is out."""


def _never(*_given: Any, **_named: Any) -> bool:
    return False


def _leaves_out_anything(_store: Any, place: Any, _branch: Any, held: Coverage, attempt: int) -> list[Failure]:
    """Blame each missing task itself, whatever has become of it."""
    told = {"stage": place.stage, "branch": place.branch, "attempt": attempt, "reason": "", "detail": "", "at": _NOW}
    made = {**told, "exit_code": None, "job_id": "", "log_stream": "", "records": 1}
    return [Failure(task=task, **made) for task in task_numbers(held.missing)]


def _hides_what_is_left_out(lost: list[str], _left_out: Any, run: str) -> Any:
    return _judge_results(lost, {}, run)


def _same_fingerprints(record: Any, left_out: Any, _stage: Any) -> Any:
    return record.model_copy(update={"left_out": dict(left_out)})


def _believes_mpirun(mpirun: int, *_more: Any) -> Verdict:
    return Verdict(mpirun, "as mpirun says")


def _asks_nobody(_self: Any) -> list[Any]:
    return []


_IN_ANY_CASE = "attribute_not_exists(#version) OR :version = :version"
_functions, _judge, _Piece = control.functions, check_output.judge, publish.Piece
_judge_results, _NOW = check_output.judge_results, datetime(2026, 1, 2, tzinfo=UTC)
_TRUE: Callable[..., bool] = lambda *_given: True  # noqa: E731
MUTANTS: dict[str, list[Swap]] = {
    "a receipt is written before its segment": [(Segment, "seal", _seal_receipt_first)],
    "a receipt commits whatever segment is there": [(committed, "_commits", _commits_any)],
    "CheckOutput trusts Merge": [(examine, "is_published", _TRUE)],
    "the results of earlier stages are not looked for": [(check_output, "lost_results", lambda *_given: [])],
    "a run is claimed without a condition": [(split, "claim", _claim_unasked)],
    "a run is taken over whatever its fence": [(claim, "check_fence", nothing)],
    "functions go on after their run was taken over": [(at_work, "check_fence", nothing)],
    "functions go on after a stop": [(at_work, "check_not_stopped", nothing), (at_work, "is_stopped", _never)],
    "a settlement ends all jobs of the run": [
        (notify, "end_jobs", _ends_all_jobs),
        (notify, "left_over", lambda *_: 1),
    ],
    "the ceiling is not asked": [(split, "over_ceiling", lambda *_given: [])],
    "a stop is proved without looking for functions": [(control, "functions", _without_functions)],
    "JobMap plans everything anew": [(job_map, "read_committed", _reads_nothing)],
    "segments are joined whatever they are by now": [(publish, "Piece", _without_etags)],
    "a notice leaves no outcome": [(S3Storage, "put_checked", _no_outcome)],
    "a stage is tried for ever": [(check_output, "judge", _always_first)],
    "missing tasks are passed over": [
        (examine, "read_committed", _misses_nothing),
        (merge, "read_committed", _misses_nothing),
    ],
    "what was never tried is left out": [
        (examine, "find_left_out", _leaves_out_anything),
        (merge, "find_left_out", _leaves_out_anything),
        (examine, "count_failure", nothing),
    ],
    "a success hides what was left out": [(check_output, "judge_results", _hides_what_is_left_out)],
    "what reads a branch knows nothing of what it lacks": [(left_out, "with_left_out", _same_fingerprints)],
    "counts are not compared": [(examine, "count_failure", nothing)],
    "nodes do again what an earlier try has committed": [(BranchWork, "is_committed", _never)],
    "the main node believes mpirun": [
        (main_node, "judge", _believes_mpirun),
        (main_node.Others, "rank_ends", _asks_nobody),
    ],
    "a late function writes over the catalogue": [
        (table, "_NOT_NEWER", "attribute_not_exists(#version) OR :version = :version")
    ],
    "any execution reports on a run": [(ownership, "may_report", _TRUE)],
}


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Take a mechanism out of the core."""
    with ExitStack() as stack:
        for owner, attribute, stand_in in MUTANTS[name]:
            stack.enter_context(mock.patch.object(owner, attribute, stand_in))
        yield
