"""When a run's executions ran: the first, and each resume.

An execution that was told of ended then, as its mail and its report say; it takes another moment to end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gristmill.client.runs.find import Run
from gristmill.client.stack import Stack
from gristmill.parallel import Together, together
from gristmill.runs.chained import Chained
from gristmill.runs.records import Outcome
from gristmill.runs.repository import read_outcomes

_READERS = 8  # runs asked about at once


@dataclass(frozen=True)
class Times:
    """Of a run: when it was begun first and last, when it ended, the seconds of its executions, its warnings, and what
    it has started.
    """

    first: datetime
    last: datetime
    ended: datetime | None
    took: float  # the last execution, until now if it goes on
    worked: float  # all executions
    executions: int
    warnings: Sequence[str] = ()  # of figures out of their bounds, by the outcome of the last execution
    then: Sequence[Chained] = ()  # by the same outcome


def outcomes(stack: Stack, run: str) -> list[Outcome]:
    """Return what the executions of a run came to that have ended and were told of."""
    return list(read_outcomes(stack.store, run))


def times_of(stack: Stack, runs: Sequence[Run], now: datetime, at_once: Together = together) -> list[Times]:
    """Return when each run's executions ran."""
    return at_once(lambda run: times(run, outcomes(stack, run.run), now), runs, _READERS)


def times(run: Run, ended: list[Outcome], now: datetime) -> Times:
    """Return when a run's executions ran, by the outcomes of those that have ended."""
    spans = {outcome.execution: (outcome.started_at, outcome.ended_at) for outcome in ended}
    current = run.execution
    last = next((outcome for outcome in ended if outcome.execution == current.arn), None)
    warnings, then = (last.warnings, last.then) if last else (current.warnings, ())
    started, stopped = spans.pop(current.arn, (current.started, current.ended))
    took = ((stopped or now) - started).total_seconds()
    earlier = [(end - start).total_seconds() for start, end in spans.values()]
    first = min([started, *(start for start, _ in spans.values())])
    return Times(first, started, stopped, took, took + sum(earlier), 1 + len(earlier), warnings, then)
