"""Feed: items are dropped once and few at a time, whoever dies on the way; those that are lost are found."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gristmill import keys
from gristmill.batches.ends import end_of, newest_fed, progress_of, read_progress, write_end
from gristmill.enums import CheckVerdict, RunStatus, SplitVerdict
from gristmill.errors import Refused
from gristmill.keys import End, Place
from gristmill.runs.cursor import Cursor
from gristmill.runs.repository import read_record, revise_record
from gristmill.runs.request import read_request
from gristmill.steps.check_output.batch import judge_items
from gristmill.steps.feed.drops import FeedClients
from gristmill.steps.feed.feed import Look, feed
from gristmill.steps.feed.pace import EXECUTION_MAX, LOOKS_MAX, WAIT_MAX, next_wait
from gristmill.steps.split.claimant import Claimant
from gristmill.steps.split.split import split
from gristmill.storage.s3 import S3Storage
from tests.unit.walk import event

FIRST = Look(0, 0.0)


class States:
    """A Step Functions whose executions are what a test says of them."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.known: dict[str, dict[str, Any]] = {}

    def start_execution(self, **given: Any) -> dict[str, Any]:
        self.started.append({**given, "input": json.loads(given["input"])})
        return {}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        if executionArn not in self.known:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")
        return self.known[executionArn]


def claimed(store: S3Storage, claimant: Claimant, count: int, at_once: int = 20) -> Cursor:
    """Claim a batch over one file; return its cursor."""
    store.put("uploads/a/f.txt", b"a b\n")
    lines = [{"n": n, "name": f"s{n}", "input": "uploads/a/f.txt"} for n in range(1, count + 1)]
    store.put("uploads/a/items.jsonl", "\n".join(map(json.dumps, lines)).encode())
    note = {"contract": 1, "items": {"key": "uploads/a/items.jsonl"}, "at_once": at_once}
    drop = read_request(event(store, keys.batch_note_key("words", "many"), json.dumps(note).encode()), store.bucket)
    answer = split(store, drop, claimant)
    assert answer["verdict"] == SplitVerdict.BATCH, answer["reason"]
    return Cursor(answer["run"], answer["stage"], answer["attempt"])


def notes(store: S3Storage) -> list[str]:
    return [found.key for found in store.list(keys.INPUTS) if keys.is_note(found.key)]


def end(store: S3Storage, batch: str, item: int, status: RunStatus) -> None:
    fed = newest_fed(store, batch, item)
    assert fed
    write_end(store, batch, end_of(fed, status, "", fed.at, fed.at))


def test_no_more_than_may_run_at_once_are_fed(store: S3Storage, claimant: Claimant):
    cursor, clients = claimed(store, claimant, 5, at_once=2), FeedClients(store, States())
    assert [feed(clients, cursor, FIRST)["fed"] for _ in range(3)] == [2, 2, 2]
    end(store, cursor.run, 1, RunStatus.FAILED)
    answer = feed(clients, cursor, FIRST)
    assert (answer["fed"], answer["ended"], answer["done"]) == (3, 1, False)
    for item in range(2, 6):
        feed(clients, cursor, FIRST)
        end(store, cursor.run, item, RunStatus.SUCCEEDED)
    assert feed(clients, cursor, FIRST)["done"]
    assert len(notes(store)) == 5


def test_items_read_the_versions_that_were_there_at_the_claim(store: S3Storage, claimant: Claimant):
    cursor = claimed(store, claimant, 1)
    frozen = store.head("uploads/a/f.txt")
    store.put("uploads/a/f.txt", b"other\n")
    feed(FeedClients(store, States()), cursor, FIRST)
    assert frozen and store.read_json(notes(store)[0])["input"]["version"] == frozen.version


class Killed(BaseException):
    pass


@pytest.mark.parametrize("writes", range(6))
def test_a_feeder_that_dies_after_any_write_feeds_nobody_twice(
    store: S3Storage, claimant: Claimant, monkeypatch: pytest.MonkeyPatch, writes: int
):
    cursor, clients = claimed(store, claimant, 3), FeedClients(store, States())
    put, left = store.put_new, iter(range(writes))

    def mortal(key: str, body: bytes, kind: str | None = None) -> bool:
        if next(left, None) is None:
            raise Killed
        return put(key, body, kind)

    with monkeypatch.context() as patch:
        patch.setattr(store, "put_new", mortal)
        with pytest.raises(Killed):
            feed(clients, cursor, FIRST)
    feed(clients, cursor, FIRST)
    runs = [newest_fed(store, cursor.run, item) for item in (1, 2, 3)]
    assert [fed.run for fed in runs if fed] == [started(store, key) for key in notes(store)]
    versions = store.client.list_object_versions(Bucket=store.bucket, Prefix=keys.INPUTS)["Versions"]
    assert len([each for each in versions if keys.is_note(each["Key"])]) == 3


def started(store: S3Storage, key: str) -> str:
    return drop_of(store, key).run


def drop_of(store: S3Storage, key: str) -> Any:
    head = store.head(key)
    assert head
    item = {"key": key, "size": head.size, "etag": head.etag, "version-id": head.version}
    detail = {"bucket": {"name": store.bucket}, "object": item}
    return read_request({"source": "aws.s3", "detail-type": "Object Created", "detail": detail}, store.bucket)


def test_a_note_of_somebody_else_under_an_items_key_is_refused(store: S3Storage, claimant: Claimant):
    cursor = claimed(store, claimant, 1)
    dropped = keys.dropped_item(keys.Dropped("words", "many"), cursor.run, 1, "s1")
    store.put(keys.note_key("words", dropped.name), json.dumps({"contract": 1, "input": "uploads/a/f.txt"}).encode())
    with pytest.raises(Refused, match="was dropped by somebody else"):
        feed(FeedClients(store, States()), cursor, FIRST)


def test_an_item_takes_its_code_from_its_batch_and_nothing_else_is_an_item(store: S3Storage, claimant: Claimant):
    cursor = claimed(store, claimant, 1)
    feed(FeedClients(store, States()), cursor, FIRST)
    nowhere = replace(claimant, roots=[], execution=f"{claimant.execution}-item")
    drop = drop_of(store, notes(store)[0])
    assert split(store, drop, nowhere)["verdict"] == SplitVerdict.GO
    item, batch = read_record(store, drop.run), read_record(store, cursor.run)
    assert (item.batch, item.item, item.round) == (cursor.run, 1, 1)
    assert item.code and batch.code and item.code.digest == batch.code.digest
    stray = {"contract": 1, "input": "uploads/a/f.txt", "batch": cursor.run, "item": 1}
    forged = read_request(event(store, keys.note_key("words", "sly"), json.dumps(stray).encode()), store.bucket)
    answer = split(store, forged, replace(claimant, execution=f"{claimant.execution}-sly"))
    assert answer["verdict"] == SplitVerdict.INVALID and "there is no such batch" in answer["reason"]


def resumed(store: S3Storage, cursor: Cursor) -> Cursor:
    record = revise_record(store, cursor.run, lambda found: found.model_copy(update={"fence": found.fence + 1}))
    return replace(cursor, attempt=cursor.attempt + 10 * (record.fence - 1))


def test_a_resume_feeds_what_has_not_succeeded_and_keeps_its_run(store: S3Storage, claimant: Claimant):
    cursor, states = claimed(store, claimant, 3), States()
    clients = FeedClients(store, states)
    feed(clients, cursor, FIRST)
    for key in notes(store)[:2]:
        assert split(store, drop_of(store, key), replace(claimant, execution=f"{key}:e"))["verdict"] == "GO"
    end(store, cursor.run, 1, RunStatus.SUCCEEDED)
    end(store, cursor.run, 2, RunStatus.FAILED)
    end(store, cursor.run, 3, RunStatus.FAILED)  # before its claim
    again = resumed(store, cursor)
    feed(clients, again, FIRST)
    second = newest_fed(store, cursor.run, 2)
    assert second and second.round == 2
    (start,) = states.started
    assert start["input"] == {"resume": {"run": second.run, "fence": 1, "round": 2}}
    third = newest_fed(store, cursor.run, 3)
    assert third and third.key in notes(store) and third.key.endswith("/00003-s3-again-2.drop.json")
    assert feed(clients, again, FIRST)["ended"] == 1
    assert len(states.started) == 1
    assert read_progress(store, cursor.run).running == {2: 2, 3: 2}


@pytest.mark.parametrize("how", ["never began", "ended without a word", "goes on"])
def test_an_item_that_is_lost_is_told(store: S3Storage, claimant: Claimant, monkeypatch: pytest.MonkeyPatch, how: str):
    cursor, states = claimed(store, claimant, 1), States()
    clients = FeedClients(store, states)
    feed(clients, cursor, FIRST)
    now = datetime.now(UTC)
    if how != "never began":
        arn = f"{claimant.execution}-item"
        assert split(store, drop_of(store, notes(store)[0]), replace(claimant, execution=arn))["verdict"] == "GO"
        states.known[arn] = {"status": "RUNNING", "startDate": now}
        if how == "ended without a word":
            states.known[arn] = {"status": "TIMED_OUT", "startDate": now, "stopDate": now}
    assert feed(clients, cursor, FIRST)["ended"] == 0
    monkeypatch.setattr(store, "clock", replace(store.clock, unix=later(store.clock.unix)))
    answer = feed(clients, cursor, FIRST)
    expected = {"never began": "FAILED", "ended without a word": "TIMED_OUT"}
    assert list(read_progress(store, cursor.run).ended.values()) == [RunStatus(s) for s in [expected.get(how)] if s]
    assert answer["done"] is (how in expected)


def later(unix: Callable[[], float]) -> Callable[[], float]:
    return lambda: unix() + timedelta(minutes=16).total_seconds()


def test_a_batch_that_was_stopped_begins_no_item(store: S3Storage, claimant: Claimant):
    cursor = claimed(store, claimant, 1)
    feed(FeedClients(store, States()), cursor, FIRST)
    store.put(keys.stop(cursor.run, claimant.execution.rpartition(":")[2]), b"{}")
    answer = split(store, drop_of(store, notes(store)[0]), replace(claimant, execution=f"{claimant.execution}-item"))
    assert answer["verdict"] == SplitVerdict.IGNORED
    assert answer["reason"] == f"{notes(store)[0]}: batch {cursor.run} was stopped"


@pytest.mark.parametrize("items", [1, 3, 40, 1_000, 10_000])
@pytest.mark.parametrize("each", [1, 60, 7_200, 90_000])
def test_looks_fit_the_history_however_long_the_batch_takes(items: int, each: int):
    elapsed, looks = 0.0, 0
    while elapsed < EXECUTION_MAX:
        wait = next_wait(elapsed, looks, items, min(items - 1, int(elapsed / each)))
        assert 1 <= wait <= WAIT_MAX
        elapsed, looks = elapsed + wait, looks + 1
    assert looks <= LOOKS_MAX


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        (["SUCCEEDED", "SUCCEEDED"], CheckVerdict.COMPLETE),
        (["SUCCEEDED", "PARTIAL"], CheckVerdict.PARTIAL),
        (["PARTIAL", "FAILED"], CheckVerdict.FAILED),
        (["SUCCEEDED"], CheckVerdict.FAILED),
    ],
)
def test_a_batch_has_succeeded_only_where_all_items_have(statuses: list[str], verdict: CheckVerdict):
    places = [Place(item, 1) for item in range(1, len(statuses) + 1)]
    ends = [End(place, RunStatus(status)) for place, status in zip(places, statuses, strict=True)]
    assert judge_items(progress_of(places, ends), 2)[0] is verdict
