"""Followed logs: every event is told once, whatever comes late or out of order; and what that costs in requests."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from gristmill.client.runs.logs import _streams
from gristmill.client.tail import Follower, Line, Stream
from gristmill.clock import Clock
from gristmill.keys import BranchKeys

LATE = 10.0
PAGE = 3  # events


@dataclass
class Event:
    stream: str
    timestamp: int
    message: str
    shown_at: float  # when CloudWatch Logs comes to show it


@dataclass
class Cloud:
    """CloudWatch Logs that shows events when it likes, in small pages and with empty ones in between; and its time."""

    events: list[Event]
    time: float = 0.0
    requests: int = 0
    fails: list[Exception] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def get_log_events(self, logGroupName, logStreamName, startTime, startFromHead, nextToken="f/0/0"):
        self.requests += 1
        if self.fails:
            raise self.fails.pop()
        there = [event for event in self.events if event.stream == logStreamName and event.shown_at <= self.time]
        if not there:
            code = {"Error": {"Code": "ResourceNotFoundException"}}
            raise ClientError(code, "GetLogEvents")
        found = sorted((event for event in there if event.timestamp >= startTime), key=lambda event: event.timestamp)
        _, place, empty = nextToken.split("/")
        if empty == "0" and int(place) < len(found):  # an empty page that is not the last one
            return {"events": [], "nextForwardToken": f"f/{place}/1"}
        page = found[int(place) : int(place) + PAGE]
        listed = [{"timestamp": event.timestamp, "message": event.message, "ingestionTime": 0} for event in page]
        return {"events": listed, "nextForwardToken": f"f/{int(place) + len(page)}/{empty if not page else 0}"}


def follower(cloud: Cloud, ends: dict[str, float], late: float = LATE) -> Follower:
    """Follow streams that are there from their first event on, and whose containers end at given times."""

    def look(closed: set[str]) -> tuple[list[Stream], bool]:
        at = cloud.time
        begun = {event.stream for event in cloud.events if event.timestamp <= at * 1000 or at >= ends[event.stream]}
        found = [Stream(name, name, name, cloud.time >= ends[name]) for name in sorted(begun - closed)]
        return found, cloud.time < max(ends.values())

    return Follower(lambda: cloud, "group", look, late, None, Clock(cloud.now, cloud.sleep))


def as_event(line: Line) -> tuple[str, str]:
    return line.label, line.text


seconds = st.floats(0, 60, allow_nan=False)
events = st.lists(
    st.builds(
        lambda stream, at, text, late: Event(stream, int(at * 1000), text, at + late),
        st.sampled_from("abc"),
        st.integers(0, 60),
        st.sampled_from(["x", "y"]),  # many alike, at the same time too
        st.one_of(st.just(0.0), st.floats(0, 200)),
    ),
    min_size=1,
    max_size=25,
)


@given(events, seconds)
def test_every_event_is_told_once_whenever_it_shows_up(given_events, more):
    """An event shows up until its container has ended and the lag is over: later, nobody can wait for it."""
    ends = {
        name: max((event.shown_at for event in given_events if event.stream == name), default=0) - LATE
        for name in "abc"
    }
    ends = {name: max(0.0, at) + more / 60 for name, at in ends.items()}
    lines = list(follower(Cloud(given_events), ends).lines())
    assert Counter(map(as_event, lines)) == Counter((event.stream, event.message) for event in given_events)


@given(events)
def test_a_stream_keeps_its_order_though_another_is_slow(given_events):
    for place, event in enumerate(sorted(given_events, key=lambda event: event.timestamp)):
        event.message, event.shown_at = f"{place}", event.timestamp / 1000 + {"a": 0, "b": 8, "c": 45}[event.stream]
    ends = dict.fromkeys("abc", 100.0)
    lines = list(follower(Cloud(given_events), ends).lines())
    for name in "abc":
        expected = sorted(int(item.message) for item in given_events if item.stream == name)
        assert [int(line.text) for line in lines if line.label == name] == expected


def test_lines_come_while_the_run_goes_on_and_not_at_its_end():
    cloud = Cloud([Event("a", at * 1000, str(at), at + 1.0) for at in range(60)])
    delays = [cloud.time - int(line.text) for line in follower(cloud, {"a": 60.0}).lines()]
    assert max(delays) <= 3


@pytest.mark.parametrize("late", [0.0, LATE])
def test_a_thousand_containers_cost_a_bounded_number_of_requests(late):
    cloud = Cloud([Event(f"s{number}", 0, "x", 0.0) for number in range(1000)])
    ends = {f"s{number}": 0.0 for number in range(1000)}
    assert len(list(follower(cloud, ends, late).lines())) == 1000
    assert cloud.requests <= 1000 * 2 * 4  # each is read twice, in a page with an empty one before it and an end
    assert cloud.time <= late + 2 * 10 + 1


def test_a_quiet_look_costs_few_requests_however_long_the_log_is():
    cloud = Cloud([Event("a", at, "x", 0.0) for at in range(0, 900, 10)])
    lines = follower(cloud, {"a": 1000.0}).lines()
    for _ in range(90):
        next(lines)
    before = cloud.requests
    cloud.events.append(Event("a", 60_000, "new", 60.0))
    assert next(lines).text == "new"
    looks = 60 / 0.3
    assert cloud.requests - before <= looks * (90 / PAGE * 2 + 3)


def test_streams_that_never_end_are_left_after_a_minute():
    cloud = Cloud([Event("a", 0, "x", 0.0), Event("a", 1, "late", 50.0)])

    def look(_closed: set[str]) -> tuple[list[Stream], bool]:
        return [Stream("a", "a", "a", False)], False

    lines = list(Follower(lambda: cloud, "group", look, LATE, None, Clock(cloud.now, cloud.sleep)).lines())
    assert [line.text for line in lines] == ["x", "late"]
    assert 60 <= cloud.time <= 80


class Batch:
    """An array whose children end one after the other; counts what is asked."""

    def __init__(self, children: int) -> None:
        self.states = {f"job:{index}": "RUNNING" for index in range(children)}
        self.described: list[str] = []

    def get_paginator(self, _name):
        return self

    def paginate(self, arrayJobId=None, jobStatus=None, **_more):
        if arrayJobId is None:
            ended = set(self.states.values()) == {"SUCCEEDED"}
            job = {"jobId": "job", "jobName": "gm-r-map-repeat-0-0", "createdAt": 0, "arrayProperties": {"size": 9}}
            return [{"jobSummaryList": [{**job, "status": "SUCCEEDED" if ended else "PENDING"}]}]
        return [{"jobSummaryList": [{"jobId": item} for item, state in self.states.items() if state == jobStatus]}]

    def describe_jobs(self, jobs):
        self.described += jobs
        return {"jobs": [self._child(job) for job in jobs]}

    def _child(self, job):
        index = int(job.partition(":")[2])
        container = {"logStreamName": f"stream-{index}"}
        return {"jobId": job, "status": self.states[job], "container": container, "arrayProperties": {"index": index}}


def test_children_that_are_closed_are_not_described_again(monkeypatch):
    batch, closed = Batch(9), set()
    monkeypatch.setattr(
        "gristmill.client.runs.logs._places", lambda run, branch: [BranchKeys("r", "map", "repeat", "0")]
    )
    mill = type("Mill", (), {"client": lambda self, name: batch, "queues": ["q"]})()
    run = type("Run", (), {"run": "r", "record": object(), "going": True})()

    def look() -> list[Stream]:
        batch.described.clear()
        return list(_streams(mill, run, None, closed))

    assert [item.ended for item in look()] == [False] * 9
    closed |= {"job:0", "job:1"}
    assert len(look()) == len(batch.described) == 7
    batch.states = dict.fromkeys(batch.states, "SUCCEEDED")
    assert all(item.ended for item in look())
    closed |= set(batch.states)
    assert look() == []
    assert "job" in closed
    assert (look(), batch.described) == ([], [])
