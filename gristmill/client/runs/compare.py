"""Two runs side by side: what they were given, what they came to, what they found and what they cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gristmill.client.runs.costs import cost_of
from gristmill.client.runs.find import Run
from gristmill.client.runs.times import times_of
from gristmill.client.stack import Stack
from gristmill.cost.bill import dollars
from gristmill.humanize import duration, number, size
from gristmill.outcome.summary import findings
from gristmill.pipeline.lists import as_given
from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.records import InputObject, RunRecord

_ETAG_SHOWN = 12


@dataclass(frozen=True)
class Compared:
    """What two runs have of one thing, in words; None where one has none of it."""

    what: str
    values: tuple[str | None, str | None]

    @property
    def differs(self) -> bool:
        """Return whether they have not the same."""
        return self.values[0] != self.values[1]


def compare(stack: Stack, runs: tuple[Run, Run], now: datetime) -> list[Compared]:
    """Return all that is known of two runs, thing by thing, in the order of the first."""
    first, second = (dict(_facts(stack, run, now)) for run in runs)
    return side_by_side(first, second)


def side_by_side(first: Mapping[str, str], second: Mapping[str, str]) -> list[Compared]:
    """Return what two runs have, thing by thing; what the second alone has comes last. Pure."""
    names = [*first, *(name for name in second if name not in first)]
    return [Compared(name, (first.get(name), second.get(name))) for name in names]


def _facts(stack: Stack, run: Run, now: datetime) -> Iterator[tuple[str, str]]:
    (times,) = times_of(stack, [run], now)
    cost, record = cost_of(stack, run.run), run.record
    yield "status", str(run.status)
    yield "pipeline", run.dropped.pipeline
    yield "file", run.dropped.name
    if record:
        yield from _frozen(record)
    yield "took", duration(timedelta(seconds=times.worked))
    if cost.bill:
        yield "cost", dollars(cost.bill.total)
    yield from _found(stack, record) if record else ()


def _frozen(record: RunRecord) -> Iterator[tuple[str, str]]:
    yield "owner", record.owner
    if record.generation:
        yield "generation", str(record.generation)
    if record.code:
        yield "code", record.code.short
        yield "code is from", record.code.origin
    if record.image_names:
        yield "images", ", ".join(record.image_names)
    yield "file holds", _bytes(record.input)
    for name, given in record.inputs.items():
        yield f"input {name}", given.key
        yield f"input {name} holds", _bytes(given)
    for name, value in record.parameters.items():
        yield f"parameter {name}", as_given(value)
    if record.batch:
        yield "batch", record.batch
    for name, tag in record.tags.items():
        yield f"tag {name}", tag


def _bytes(given: InputObject | ObjectVersion) -> str:
    """Return what an object holds, in words that differ where its bytes do."""
    return f"{size(given.size)}, ETag {given.etag[:_ETAG_SHOWN]}"


def _found(stack: Stack, record: RunRecord) -> Iterator[tuple[str, Any]]:
    """Yield the counts of each branch, and the figures that were checked."""
    for branch in (branch for finding in findings(stack.store, record) for branch in finding.branches):
        yield f"{branch.branch} tasks done", f"{branch.done:,} of {branch.tasks:,}"
        yield f"{branch.branch} records", f"{branch.records_in:,} in, {branch.records_out:,} out"
        for result in branch.checks:
            value = "none" if result.value is None else f"{number(result.value)}"
            yield f"{branch.branch} {result.check.figure}", f"{value} ({result.verdict})"
