"""Who owns a run: each take-over raises its fence, and what an earlier owner still does changes nothing of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from gristmill import keys
from gristmill.batch.jobs import end_jobs
from gristmill.enums import RunStatus
from gristmill.errors import Refused, Superseded
from gristmill.limits import ATTEMPTS_MAX, S3_PART_MIN
from gristmill.outcome.event import ExecutionEvent
from gristmill.outcome.ownership import left_over
from gristmill.runs.at_work import check_going
from gristmill.runs.cursor import Cursor
from gristmill.runs.drop import Drop
from gristmill.runs.records import CONTRACT, RunRecord
from gristmill.runs.repository import read_record
from gristmill.runs.request import Resume, read_request
from gristmill.steps.split import split as step
from gristmill.steps.split.claimant import Claimant
from gristmill.steps.split.split import split
from gristmill.storage import Piece
from gristmill.storage.s3 import S3Storage
from tests.unit.walk import event


@pytest.fixture(autouse=True)
def pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRISTMILL_PIPELINES", "tests/pipelines")


def dropped(store: S3Storage, **metadata: str) -> Drop:
    request = read_request(event(store, "inputs/strings/a.txt", b"a\nb\n", **metadata), store.bucket)
    assert isinstance(request, Drop)
    return request


def another(claimant: Claimant, name: str) -> Claimant:
    return Claimant(f"{claimant.execution}-{name}", datetime(2026, 1, 3, tzinfo=UTC), claimant.roots)


def park(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Any]) -> None:
    """Let something else happen while the next Split prices its run."""
    price = step.price

    def parked(*given: Any) -> Any:
        monkeypatch.setattr(step, "price", price)
        meanwhile()
        return price(*given)

    monkeypatch.setattr(step, "price", parked)


def test_a_split_that_was_parked_while_a_resume_took_the_run_over_changes_nothing(
    store: S3Storage, claimant: Claimant, monkeypatch: pytest.MonkeyPatch
):
    drop, resuming = dropped(store, **{"max-cost": "0.0000001"}), another(claimant, "resume-1")

    def raised_meanwhile() -> None:
        assert split(store, Resume(run=drop.run, fence=1), resuming)["verdict"] == "INVALID"

    park(monkeypatch, raised_meanwhile)
    assert split(store, drop, claimant)["verdict"] == "DUPLICATE"
    record = read_record(store, drop.run)
    assert (record.fence, record.execution, record.resumes) == (2, resuming.execution, 1)


def test_a_run_that_costs_too_much_is_refused_at_each_beginning(
    store: S3Storage, claimant: Claimant, monkeypatch: pytest.MonkeyPatch
):
    drop = dropped(store, **{"max-cost": "0.0000001"})

    def die() -> None:
        raise OSError("the axle broke")

    for number in range(2):  # a Split that dies between claim and price, and one that dies after its take-over
        park(monkeypatch, die)
        request = Resume(run=drop.run, fence=number) if number else drop
        with pytest.raises(OSError, match="axle"):
            split(store, request, another(claimant, str(number)))
    answer = split(store, Resume(run=drop.run, fence=2), another(claimant, "2"))
    assert answer["verdict"] == "INVALID"
    assert "ceiling" in answer["reason"]
    assert read_record(store, drop.run).faults


def test_a_run_that_was_admitted_goes_on_whatever_prices_have_become(
    store: S3Storage, claimant: Claimant, monkeypatch: pytest.MonkeyPatch
):
    drop = dropped(store, **{"max-cost": "1"})
    assert split(store, drop, claimant)["verdict"] == "GO"

    def unasked(*_given: Any) -> Any:
        raise AssertionError("it is priced again")

    monkeypatch.setattr(step, "price", unasked)
    assert split(store, Resume(run=drop.run, fence=1), another(claimant, "resume-1"))["verdict"] == "GO"


def test_of_two_resumes_that_were_asked_for_at_one_fence_one_alone_gets_the_run(store: S3Storage, claimant: Claimant):
    drop = dropped(store)
    split(store, drop, claimant)
    first, second = another(claimant, "resume-1"), another(claimant, "resume-1-1")
    assert split(store, Resume(run=drop.run, fence=1), second)["attempt"] == ATTEMPTS_MAX
    before = store.read(keys.run_record(drop.run))
    assert split(store, Resume(run=drop.run, fence=1), first)["verdict"] == "DUPLICATE"  # the late one, stopped or not
    assert split(store, drop, claimant)["verdict"] == "DUPLICATE"  # as is the drop's own, tried again
    assert store.read(keys.run_record(drop.run)) == before
    assert split(store, Resume(run=drop.run, fence=1), second)["attempt"] == ATTEMPTS_MAX  # tried again


@pytest.mark.parametrize("attempt", [0, ATTEMPTS_MAX - 1, 2 * ATTEMPTS_MAX])
def test_a_function_of_another_owner_does_nothing(store: S3Storage, claimant: Claimant, attempt: int):
    drop = dropped(store)
    split(store, drop, claimant)
    split(store, Resume(run=drop.run, fence=1), another(claimant, "resume-1"))
    with pytest.raises(Superseded, match="resume-1 by now"):
        check_going(store, Cursor(drop.run, "map", attempt))
    check_going(store, Cursor(drop.run, "map", ATTEMPTS_MAX))


class Repeats:
    """A client whose conditional writes come twice: the first answer is lost, and the request sent again."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_object(self, **named: Any) -> Any:
        if "IfMatch" in named or "IfNoneMatch" in named:
            self._client.put_object(**named)
        return self._client.put_object(**named)


def test_a_write_whose_answer_was_lost_is_known_as_ones_own(store: S3Storage, claimant: Claimant):
    repeating = S3Storage(store.bucket, Repeats(store.client))
    assert repeating.put_new("a", b"1")
    assert not repeating.put_new("a", b"2")
    assert repeating.put_if("a", b"3", store.put("a", b"1"))
    assert not repeating.put_if("gone", b"3", "0" * 32)
    drop = dropped(store)
    assert split(repeating, drop, claimant)["verdict"] == "GO"
    resumed = split(repeating, Resume(run=drop.run, fence=1), another(claimant, "resume-1"))
    assert (resumed["verdict"], resumed["attempt"]) == ("GO", ATTEMPTS_MAX)
    assert read_record(store, drop.run).fence == 2


def test_a_run_of_an_earlier_version_is_read_and_not_gone_on_with(store: S3Storage, claimant: Claimant):
    drop = dropped(store)
    split(store, drop, claimant)
    key = keys.run_record(drop.run)
    old = json.loads(store.read(key))
    assert old["contract"] == CONTRACT
    for name in ("contract", "fence", "complete"):
        del old[name]
    store.put(key, json.dumps(old | {"resumes": 3}).encode())
    record = read_record(store, drop.run)
    assert (record.contract, record.fence, record.resumes) == (1, 4, 3)
    words = "was begun by an earlier version of Gristmill. Drop the file again."
    with pytest.raises(Refused, match=words):
        split(store, Resume(run=drop.run, fence=4), another(claimant, "resume-4"))
    with pytest.raises(Refused, match=words):
        check_going(store, Cursor(drop.run, "map", 3 * ATTEMPTS_MAX))


class Jobs:
    """A Batch with jobs of a run, and what was ended of them."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.ended: list[str] = []

    def get_paginator(self, _name: str) -> "Jobs":
        return self

    def paginate(self, **_which: Any) -> list[dict[str, Any]]:
        return [{"jobSummaryList": [{"jobId": name, "jobName": name, "status": "RUNNING"} for name in self.names]}]

    def terminate_job(self, *, jobId: str, reason: str) -> None:
        self.ended.append(jobId)


def record_of(execution: str, fence: int) -> RunRecord:
    place = {"bucket": "b", "key": "inputs/x/y", "version": "v", "etag": "e", "size": 1, "sequencer": "0"}
    return RunRecord.model_validate(
        {
            "run": "0" * 16, "execution": execution, "fence": fence, "claimed_at": "2026-01-02T03:04:05Z",
            "owner": "me", "input": place, "pipeline": None, "parameters": {}, "faults": [],
        }
    )  # fmt: skip


def ended(execution: str, request: Resume | Drop) -> ExecutionEvent:
    return ExecutionEvent(RunStatus.ABORTED, execution, request, datetime(2026, 1, 2, tzinfo=UTC), "")


DROP = Drop("b", "inputs/x/y", "v", "e", 1, "0", "")


@pytest.mark.parametrize(
    ("event", "record", "fence"),
    [
        (ended("one", DROP), record_of("one", 1), 1),
        (ended("one", DROP), record_of("two", 2), 1),  # its own, and never those of the resume
        (ended("twin", DROP), record_of("one", 1), 0),  # a duplicate has none
        (ended("one", DROP), None, 1),
        (ended("two", Resume(run="0" * 16, fence=1)), record_of("two", 2), 2),
        (ended("two", Resume(run="0" * 16, fence=1)), record_of("one", 1), 0),  # it never took the run over
        (ended("two", Resume(run="0" * 16, fence=1)), record_of("rival", 2), 1),
        (ended("two", Resume(run="0" * 16, fence=7)), record_of("one", 3), 2),  # started by hand
        (ended("two", Resume(run="0" * 16, fence=7)), None, 0),
    ],
)
def test_an_end_leaves_over_jobs_of_its_own_and_earlier_owners_alone(event, record, fence):
    assert left_over(event, record) == fence


def test_jobs_of_owners_up_to_a_fence_are_ended():
    branch = keys.BranchKeys("0" * 16, "map", "repeat", "f")
    names = [branch.job_name(attempt, 0) for attempt in (0, 9, 10, 19, 20)]
    batch = Jobs(*names, f"{keys.job_name_prefix('0' * 16)}odd")
    assert end_jobs(batch, ["queue"], "0" * 16, "over", 2) != []
    assert batch.ended == names[:4]
    batch = Jobs(*names, f"{keys.job_name_prefix('0' * 16)}odd")
    end_jobs(batch, ["queue"], "0" * 16, "stopped")
    assert len(batch.ended) == 6


@pytest.mark.parametrize("size", [3, S3_PART_MIN])
def test_a_result_that_a_later_owner_has_made_is_not_replaced(store: S3Storage, size: int):
    """The later owner takes the run over, and makes its result, just after the earlier one was admitted."""
    store.put("segment", b"x" * size)
    asked: list[str] = []

    def check() -> None:
        if asked:
            raise Superseded("the run is another's.")
        asked.append("once")
        store.put("results/all", b"of the later owner")

    with pytest.raises(Superseded):
        store.compose("results/all", [Piece("segment", 0, size)], {}, "scratch/", check)
    assert store.read("results/all") == b"of the later owner"
    made = store.compose("results/all", [Piece("segment", 0, size)], {}, "scratch/", lambda: None)  # as its owner may
    assert (made.size, store.read("results/all")) == (size, b"x" * size)
    assert "Uploads" not in store.client.list_multipart_uploads(Bucket=store.bucket)
