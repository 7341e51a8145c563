"""The reader of a run's records: its record, findings, outcomes, receipts and failures, each read in one way."""

from collections.abc import Callable, Iterable, Iterator

from gristmill import keys
from gristmill.errors import Corrupt, GristmillError, NotFound
from gristmill.runs.evidence import Failure, Receipt
from gristmill.runs.findings import Finding
from gristmill.runs.reading import find, find_readable, read, readable
from gristmill.runs.records import Bill, Outcome, RunRecord
from gristmill.storage import Storage

_REVISIONS_TRIED = 8  # a record is changed a handful of times in all


def read_record(store: Storage, run: str) -> RunRecord:
    """Return the run's record; NotFound where it is not claimed, Corrupt where it cannot be read.

    It has no other source: where it is gone, the run cannot go on.
    """
    try:
        return read(store, RunRecord, keys.run_record(run))
    except (Corrupt, NotFound) as error:
        raise type(error)(f"{error.what.rstrip('.')}.", "The run cannot go on: drop the file again.") from error


def revise_record(store: Storage, run: str, revise: Callable[[RunRecord], RunRecord]) -> RunRecord:
    """Replace the run's record by what `revise` makes of it; return what is there then.

    `revise` gets the record as it is, again where another write came between, and raises where it may not be changed.
    """
    key = keys.run_record(run)
    for _ in range(_REVISIONS_TRIED):
        held = store.head(key)
        record = read_record(store, run)
        revised = revise(record)
        if revised == record:
            return record
        if held and store.put_if(key, revised.model_dump_json().encode(), held.etag):
            return revised
    raise GristmillError(f"{key} changes all the time.", "Repeat in a moment.")


def find_record(store: Storage, run: str) -> RunRecord | None:
    """Return a run's record, None before its claim; Corrupt where there is something else in its place."""
    key = keys.run_record(run)
    record = find(store, RunRecord, key)
    if record is not None and (record.run, record.input.bucket) != (run, store.bucket):
        raise Corrupt(f"{key} is the record of another run, {record.run} of bucket {record.input.bucket}")
    return record


def find_readable_record(store: Storage, run: str) -> RunRecord | None:
    """Return a run's record, None where it was never claimed or cannot be read."""
    return find_readable(store, RunRecord, keys.run_record(run))


def find_estimate(store: Storage, run: str) -> Bill | None:
    """Return what a run was expected to cost, None where it was refused before that was known."""
    return find_readable(store, Bill, keys.estimate(run))


def outcome_key(run: str, execution: str) -> str:
    """Return the key of the outcome of an execution, which its ARN names."""
    return keys.outcome(run, execution.rpartition(":")[2])


def find_outcome(store: Storage, run: str, execution: str) -> Outcome | None:
    """Return what an execution came to, None where that is not recorded."""
    return find_readable(store, Outcome, outcome_key(run, execution))


def read_outcomes(store: Storage, run: str) -> Iterator[Outcome]:
    """Yield what the executions of a run came to that have ended and whose notice is out."""
    return readable(store, Outcome, (listed.key for listed in store.list(keys.outcomes(run))))


def finding_keys(store: Storage, record: RunRecord, stage: str) -> list[str]:
    """Return the keys of a stage's findings in the run's generation, the oldest first."""
    listed = store.list(keys.checks(record.run, stage, record.generation))
    return [found.key for found in listed if keys.is_check(found.key)]


def read_findings(store: Storage, found: Iterable[str]) -> Iterator[Finding]:
    """Yield the findings with these keys."""
    return readable(store, Finding, found)


def find_newest_finding(store: Storage, record: RunRecord, stage: str) -> Finding | None:
    """Return a stage's newest finding that can be read."""
    return next(read_findings(store, reversed(finding_keys(store, record, stage))), None)


def find_receipt(store: Storage, branch: keys.BranchKeys, span: keys.Span) -> Receipt | None:
    """Return the receipt of a segment, None where there is none that can be read."""
    return find_readable(store, Receipt, branch.receipt(span))


def read_failures(store: Storage, prefix: str) -> Iterator[Failure]:
    """Yield the failures recorded under a prefix; what else lies there is left out."""
    return readable(store, Failure, (listed.key for listed in store.list(prefix) if keys.parse_failure(listed.key)))
