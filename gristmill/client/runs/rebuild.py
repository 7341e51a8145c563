"""Make the catalogue anew: of the records in S3, and of executions whose runs have none."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from gristmill import keys
from gristmill.catalogue.entry import Entry, begun, ended, unclaimed
from gristmill.catalogue.table import Catalogue
from gristmill.client.runs.executions import Execution, all_arns, describe, resumed_by
from gristmill.client.runs.find import record_or_lack
from gristmill.client.stack import Stack
from gristmill.enums import RunStatus
from gristmill.errors import GristmillError, Unreachable
from gristmill.pipeline.parameters import owner
from gristmill.runs.drop import RUN_DIGITS, Drop
from gristmill.runs.note import read_given
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import read_outcomes

_AT_ONCE = 16
_TRIES = 8  # a run changes a handful of times in all


@dataclass(frozen=True)
class Rebuilt:
    """How many runs were entered, and which could not be: their records cannot be read, and nothing else tells."""

    entered: int
    left_out: list[str]


def rebuild(stack: Stack) -> Rebuilt:
    """Enter every run that S3 or Step Functions knows; what is newer than this command stays.

    Runs whose record has expired stay as they are in the catalogue.
    """
    catalogue = stack.catalogue
    if catalogue is None:
        raise Unreachable(f"stack {stack.name} has no catalogue yet.", "Deploy this version's template over it.")
    found = (keys.parse_run(folder) for folder in stack.store.folders(keys.RUNS))
    runs = [run for run in found if len(run) == RUN_DIGITS]
    entries = stack.store.together(partial(_mend, stack, catalogue), runs, _AT_ONCE)
    left_out = [run for run, entry in zip(runs, entries, strict=True) if entry is None]
    known = {entry.execution for entry in entries if entry}
    others = sum(1 for _ in _of_executions(stack, catalogue, known, set(runs)))
    catalogue.mark_rebuilt(stack.store.clock.utc())
    return Rebuilt(len(runs) - len(left_out) + others, left_out)


def _mend(stack: Stack, catalogue: Catalogue, run: str) -> Entry | None:
    """Enter a run as its record has it; None where nothing tells of it."""
    for _ in range(_TRIES):
        seen = catalogue.version(run)  # before the record is read: what changes meanwhile is seen by it
        entry = truth(stack, run)
        if entry is None or catalogue.replace(entry, seen):
            return entry
    raise GristmillError(f"the entry of run {run} changes all the time.", "Repeat in a moment.")


def truth(stack: Stack, run: str) -> Entry | None:
    """Return the entry of a run as S3 and Step Functions know it; None where neither tells."""
    record, _ = record_or_lack(stack, run)
    return _owned(stack, record) if record else _unclaimed(stack, run)


def _owned(stack: Stack, record: RunRecord) -> Entry:
    outcomes = list(read_outcomes(stack.store, record.run))
    outcome = next((found for found in outcomes if found.execution == record.execution), None)
    entry = begun(record, record.claimed_at, [found for found in outcomes if found is not outcome])
    if outcome:
        entry = ended(entry, outcome)
    elif execution := describe(stack, record.execution):
        entry = _seen(entry, execution)
    else:  # it has expired, and so it has ended
        entry = entry.model_copy(update={"status": RunStatus.ABORTED})
    is_late = record.complete and entry.status is not RunStatus.SUCCEEDED and entry.status is not RunStatus.RUNNING
    return entry.model_copy(update={"status": RunStatus.SUCCEEDED}) if is_late else entry


def _seen(entry: Entry, execution: Execution) -> Entry:
    seen = {"status": execution.status, "started_at": execution.started, "ended_at": execution.ended}
    return entry.model_copy(update=seen)


def _unclaimed(stack: Stack, run: str) -> Entry | None:
    """Return the entry of a run that was told of, and has no record."""
    told = next(iter(read_outcomes(stack.store, run)), None)
    execution = describe(stack, told.execution) if told else None
    entry = _dropped(stack, execution) if execution else None
    return ended(entry, told) if entry and told else entry


def _dropped(stack: Stack, execution: Execution) -> Entry | None:
    """Return the entry of a run as its execution's input tells of it."""
    drop = execution.request
    if not isinstance(drop, Drop):
        return None
    given, dropped = read_given(stack.store, drop), keys.parse_input(drop.key)
    who, size = owner(given.metadata, drop.requester), given.source.size if given.source else drop.size
    entry = unclaimed(drop.run, execution.arn, dropped, who, size, execution.started)
    return _seen(entry, execution)


def _of_executions(stack: Stack, catalogue: Catalogue, known: set[str], recorded: set[str]) -> Iterator[Entry]:
    """Enter the runs of executions that neither S3 nor the catalogue has: their records have expired by now."""
    arns = (arn for arn in all_arns(stack) if arn not in known and not resumed_by(arn.rpartition(":")[2]))
    while several := list(islice(arns, _AT_ONCE)):
        for execution in stack.store.together(partial(describe, stack), several, _AT_ONCE):
            entry = _dropped(stack, execution) if execution and execution.run not in recorded else None
            if entry and entry.status is not RunStatus.RUNNING and catalogue.replace(entry, None):
                yield entry
