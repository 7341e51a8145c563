"""Over time: the states of the state machine, and how many containers were queued, starting and running. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from math import ceil
from typing import Any

from gristmill.report.model import Bin, Step

BINS = 160
_STEPS = 400
_SHOWN = {"Split", "JobMap", "Work", "CheckOutput", "WaitBeforeRetry", "NotifyRetrying"}


@dataclass(frozen=True)
class ContainerTimes:
    """A container's times in Unix seconds, None where it has not got so far."""

    queued: float
    started: float | None
    began: float | None  # its program; unknown where it left no footprint
    stopped: float | None


def bins(containers: Iterable[ContainerTimes], start: float, end: float, count: int = BINS) -> list[Bin]:
    """Return `count` equal bins of the time from `start` to `end`, each with what containers did in its middle."""
    width = max(end - start, 0.001) / count
    queued, starting, running = ([0] * (count + 1) for _ in range(3))

    def place(from_unix: float) -> int:
        """Return the first bin whose middle is not before the moment."""
        return min(count, max(0, ceil((from_unix - start) / width - 0.5)))

    def mark(changes: list[int], first: float, last: float) -> None:
        changes[place(first)] += 1
        changes[place(max(first, last))] -= 1

    for times in containers:
        stopped = end if times.stopped is None else times.stopped
        if times.started is None:
            mark(queued, times.queued, stopped)
            continue
        began = times.started if times.began is None else min(times.began, stopped)
        mark(queued, times.queued, times.started)
        mark(starting, times.started, began)
        mark(running, began, stopped)
    counts = zip(*(list(accumulate(changes))[:count] for changes in (queued, starting, running)), strict=True)
    return [
        Bin(at=from_unix(start + (place + 0.5) * width), queued=counts[0], starting=counts[1], running=counts[2])
        for place, counts in enumerate(counts)
    ]


def from_unix(seconds: float) -> datetime:
    """Return a time of Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def steps(history: Sequence[Mapping[str, Any]], now: datetime) -> list[Step]:
    """Return the states of an execution's history that take time, by their entry; the newest `_STEPS` of them."""
    return list(_steps(history, now))[-_STEPS:]


def _steps(history: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[Step]:
    """Pair entries with exits: outside the two Maps no state overlaps with another of its name."""
    opened: dict[str, datetime] = {}
    for event in history:
        name = _state(event)
        if name not in _SHOWN:
            continue
        if event["type"].endswith("StateEntered"):
            opened[name] = event["timestamp"]
        elif name in opened:
            yield Step(name=name, began=opened.pop(name), ended=event["timestamp"])
    yield from (Step(name=name, began=began, ended=now) for name, began in opened.items())


def _state(event: Mapping[str, Any]) -> str:
    details = event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails") or {}
    return str(details.get("name", ""))
