"""Following log streams as they grow: every event is yielded once, whenever CloudWatch Logs comes to show it.

Events show up late and out of order, by an ingestion lag that nobody bounds, so neither a token nor the newest time
read is a mark behind which all is known. Each stream is read anew from shortly before its newest event, and once more
from its beginning when its container has ended and the lag is over; what was yielded before is known by time and text.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from gristmill.client.outage import Patience
from gristmill.clock import Clock

LATE_SECONDS = 10.0  # how long after a container's end its last lines may show up; here they lie there before
_OVERLAP_MS = 10_000
_LAST_SECONDS = 60.0  # how long streams are read whose containers do not end though their run has
_SHORTEST, _LONGEST = 0.3, 10.0  # seconds between looks
_SHARE = 4  # a look that takes long is followed by a wait this many times as long
_MERGED = 100  # streams read side by side, a page of each in memory


@dataclass(frozen=True)
class Stream:
    """The log stream of one attempt of a container; `label` says which, `job` is its Batch job."""

    name: str
    label: str
    job: str
    ended: bool


@dataclass(frozen=True)
class Line:
    """One line of a log."""

    at: datetime
    label: str
    text: str


@dataclass(order=True)
class _Fresh:
    """An event that was not yielded before."""

    stamp: int
    text: str = field(compare=False)
    tail: "Tail" = field(compare=False)

    def take(self) -> Line:
        """Count it as yielded, and return its line."""
        self.tail.seen[_mark(self.stamp, self.text)] += 1
        self.tail.newest = max(self.tail.newest, self.stamp)
        return line_of(self.stamp, self.tail.stream.label, self.text)


class Tail:
    """What was seen of a stream, and what is new in it."""

    def __init__(self, logs: Any, group: str, stream: Stream) -> None:
        self.stream = stream
        self.seen: Counter[int] = Counter()
        self.newest = 0
        self.ended_at: float | None = None
        self._logs, self._group = logs, group

    def is_due(self, at: float) -> bool:
        """Return whether its container had ended by then."""
        return self.ended_at is not None and self.ended_at <= at

    def fresh(self, whole: bool) -> Iterator[_Fresh]:
        """Yield what was not yielded, from shortly before the newest event on, or from the stream's beginning."""
        met: Counter[int] = Counter()
        for event in self._events(0 if whole else max(0, self.newest - _OVERLAP_MS)):
            mark = _mark(event["timestamp"], event["message"])
            met[mark] += 1
            if met[mark] > self.seen[mark]:
                yield _Fresh(event["timestamp"], event["message"], self)

    def _events(self, since: int) -> Iterator[dict[str, Any]]:
        """Yield the events from a time on; a stream that is not there yet has none. A page may be empty in between."""
        token: dict[str, str] = {}
        while True:
            where = {"logGroupName": self._group, "logStreamName": self.stream.name, "startTime": since}
            try:
                answer = self._logs().get_log_events(**where, startFromHead=True, **token)
            except ClientError as error:
                if error.response["Error"]["Code"] == "ResourceNotFoundException":
                    return
                raise
            yield from answer["events"]
            ahead = {"nextToken": answer["nextForwardToken"]}
            if ahead == token:
                return
            token = ahead


def _mark(stamp: int, text: str) -> int:
    return hash((stamp, text))


def line_of(stamp: int, label: str, text: str) -> Line:
    """Return the line of an event; times are Unix milliseconds."""
    return Line(datetime.fromtimestamp(stamp / 1000, UTC), label, text.rstrip("\n"))


class Follower:
    """Follows streams as they come to be, until all their containers have ended and all was yielded.

    `look` gets the jobs that need no more looking at; it returns streams, and whether more may come. Memory is held for
    the lines of containers that have not ended.
    """

    def __init__(
        self,
        logs: Callable[[], Any],
        group: str,
        look: Callable[[set[str]], tuple[list[Stream], bool]],
        late: float,
        patience: Patience | None,
        clock: Clock | None = None,
    ) -> None:
        self._logs, self._group, self._look = logs, group, look
        self._late, self._patience, self._clock = late, patience, clock or Clock()
        self._open: dict[str, Tail] = {}
        self._closed: set[str] = set()  # names of streams
        self._ended: set[str] = set()  # jobs
        self._jobs: set[str] = set()  # whose streams are all closed
        self._last: float | None = None  # when it was first seen that nothing more comes

    def lines(self) -> Iterator[Line]:
        """Yield lines as they come: those of one look by time, those of one stream in its own order."""
        while True:
            begun = self._clock.now()
            try:
                yield from self._once(begun)
            except Exception as error:  # what was yielded is known, so a look that broke off is begun anew
                if self._patience is None or not self._patience.wait(error, begun):
                    raise
                continue
            if self._patience:
                self._patience.ease()
            if self._last is not None and not self._open:
                return
            self._clock.sleep(min(_LONGEST, max(_SHORTEST, _SHARE * (self._clock.now() - begun))))

    def _once(self, now: float) -> Iterator[Line]:
        found, more = self._look(self._jobs)
        self._note(found, now)
        growing = [tail for tail in self._open.values() if tail.ended_at in (None, now)]
        yield from _taken(growing, whole=False)
        if not more and self._last is None:
            self._last = now
        over = self._last is not None and now - self._last >= _LAST_SECONDS
        due = [tail for tail in self._open.values() if over or tail.is_due(now - self._late)]
        yield from _taken(due, whole=True)
        self._close(due)

    def _note(self, found: Iterable[Stream], now: float) -> None:
        """Open streams that are new, and note which containers have ended: those no longer described too."""
        living = {stream.name for stream in found if not stream.ended}
        self._ended |= {stream.job for stream in found if stream.ended}
        for stream in found:
            if stream.name not in self._closed and stream.name not in self._open:
                self._open[stream.name] = Tail(self._logs, self._group, stream)
        for name, tail in self._open.items():
            if name in living:
                tail.ended_at = None
            elif tail.ended_at is None:
                tail.ended_at = now

    def _close(self, tails: list[Tail]) -> None:
        for tail in tails:
            del self._open[tail.stream.name]
            self._closed.add(tail.stream.name)
        closed = {tail.stream.job for tail in tails} & self._ended
        self._jobs |= closed - {tail.stream.job for tail in self._open.values()}


def _taken(tails: Iterable[Tail], whole: bool) -> Iterator[Line]:
    """Yield what is new in streams, by time among those that are read side by side."""
    waiting = iter(list(tails))
    while some := list(islice(waiting, _MERGED)):
        for fresh in merge(*(tail.fresh(whole) for tail in some)):
            yield fresh.take()
