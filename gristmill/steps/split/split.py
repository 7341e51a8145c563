"""Split: claim a run, index the first stage's chunks, and estimate the cost."""

from collections.abc import Callable, Collection
from typing import Any

from gristmill import keys
from gristmill.cache.lookup import find_reusable
from gristmill.chunks.cutting import ensure_index
from gristmill.cost.bill import bill
from gristmill.cost.ceiling import over_ceiling
from gristmill.cost.estimate import StageInput, estimate
from gristmill.enums import SplitVerdict
from gristmill.errors import Refused, Superseded
from gristmill.limits import STATE_REASON_MAX
from gristmill.runs.at_work import check_may_begin
from gristmill.runs.cursor import Cursor, first_attempt
from gristmill.runs.drop import is_no_drop
from gristmill.runs.locations import frozen
from gristmill.runs.pinned import StageCut
from gristmill.runs.records import Bill, RunRecord
from gristmill.runs.repository import find_estimate
from gristmill.runs.request import Request, Resume
from gristmill.steps.split.claim import claim, refuse, take_over
from gristmill.steps.split.claimant import Claimant, RunLimits
from gristmill.steps.split.item import is_unwanted
from gristmill.storage import Storage

Hear = Callable[[RunRecord], None]


def split(store: Storage, request: Request, claimant: Claimant, claimed: Hear = lambda _record: None) -> dict[str, Any]:
    """Begin the run that an execution was started for, by a drop or a resume.

    One that finds the run another's, at whatever moment, is a duplicate and changes nothing. `claimed` gets the run's
    record once the execution owns it.
    """
    try:
        return _begin(store, request, claimant, claimed)
    except Superseded as superseded:
        return _answer(SplitVerdict.DUPLICATE, request.run, superseded.what)


def _begin(store: Storage, request: Request, claimant: Claimant, claimed: Hear) -> dict[str, Any]:
    if isinstance(request, Resume):
        taken = take_over(store, request, claimant)
        claimed(taken)
        return _start(store, taken, claimant.limits, anew=request.changes is not None)
    why_not = is_no_drop(request.key) or is_unwanted(store, request)
    if why_not:
        return _answer(SplitVerdict.IGNORED, request.run, f"{request.key}: {why_not}")
    check_may_begin(store, request.run, claimant.execution)
    record = claim(store, request, claimant)
    if record.execution != claimant.execution:
        return _answer(SplitVerdict.DUPLICATE, record.run, f"the run belongs to {record.execution}")
    claimed(record)
    return _start(store, record, claimant.limits)


def _start(store: Storage, record: RunRecord, limits: RunLimits, *, anew: bool = False) -> dict[str, Any]:
    """Index the first stage's chunks, price the run (`anew`: as it is by now), and return where to begin.

    A drop that cannot be split, or that costs more than it may, is refused after all.
    """
    if record.items:
        cursor = Cursor(record.run, "", first_attempt(record.fence))
        return {**cursor.as_json(), "verdict": SplitVerdict.BATCH, "reason": ""}
    if not record.faults:
        try:
            _admit(store, record, ensure_index(store, record, frozen(record).stages[0]), limits, anew=anew)
        except Refused as refused:
            record = refuse(store, record, refused.advice)
    if record.faults:
        return _answer(SplitVerdict.INVALID, record.run, "; ".join(record.faults))
    start = Cursor(record.run, frozen(record).stages[0].name, first_attempt(record.fence))
    return {**start.as_json(), "verdict": SplitVerdict.GO, "reason": ""}


def _admit(store: Storage, record: RunRecord, cut: StageCut, limits: RunLimits, *, anew: bool) -> None:
    """Refuse a run that is expected to cost more than its ceiling: at each beginning, by the first estimate of it."""
    expected = None if anew else find_estimate(store, record.run)
    if expected is None:
        expected = price(record, cut, limits, find_reusable(store, record))
        write = store.put if anew else store.put_new
        write(keys.estimate(record.run), expected.model_dump_json().encode())
    faults = over_ceiling(expected, record.max_cost)
    if faults:
        raise Refused(faults)


def price(record: RunRecord, cut: StageCut, limits: RunLimits, reused: Collection[str] = ()) -> Bill:
    """Return the bill that a run is expected to have, once its first stage's chunks are known; `reused` are branches
    that another run has computed.
    """
    first = StageInput(cut.tasks, record.input.size, cut.records)
    return bill(estimate(frozen(record), record.parameters, first, limits.max_vcpus, reused))


def _answer(verdict: SplitVerdict, run: str, reason: str) -> dict[str, Any]:
    return {"run": run, "stage": "", "attempt": 0, "verdict": verdict, "reason": reason[:STATE_REASON_MAX]}
