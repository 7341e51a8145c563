"""What a stop must know of a run: who is at work on it, and that nothing begins afterwards."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill import keys
from gristmill.client.runs.still_at_work import unanswered
from gristmill.errors import Refused, Superseded
from gristmill.limits import ATTEMPTS_MAX, S3_PART_MIN
from gristmill.runs.at_work import (
    CLOCKS_APART,
    Invocation,
    at_work,
    check_going,
    check_not_stopped,
    invocation,
    is_stopped,
)
from gristmill.runs.cursor import Cursor
from gristmill.runs.drop import Drop
from gristmill.runs.request import Resume, read_request
from gristmill.steps.merge.merge import merge
from gristmill.steps.split.claimant import Claimant
from gristmill.steps.split.split import split
from gristmill.storage import Piece, Storage
from tests.unit.walk import event, work

WORK = Invocation("job_map", "0123-abcd", 1_767_324_500)


def step(number: int, before: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "previousEventId": before, "type": kind, **more}


def scheduled(number: int, resource: str, name: str) -> dict[str, Any]:
    details = {"resource": resource, "parameters": json.dumps({"JobName": name})}
    return step(number, number - 1, "TaskScheduled", taskScheduledEventDetails=details)


@pytest.mark.parametrize("resource", ["submitJob.sync", "submitJob"])
def test_a_job_is_awaited_from_its_submission_until_batch_has_answered(resource: str):
    asked = scheduled(2, resource, "gm-one")
    begun = step(3, 2, "TaskStarted")
    assert unanswered([asked]) == unanswered([asked, begun]) == ["gm-one"]
    for answer in ("TaskSubmitted", "TaskSubmitFailed", "TaskFailed", "TaskSucceeded", "TaskTimedOut"):
        assert unanswered([asked, begun, step(4, 3, answer)]) == []
    assert unanswered([asked, step(3, 2, "TaskFailed")]) == []
    again = scheduled(5, resource, "gm-one")
    assert unanswered([asked, begun, step(4, 3, "TaskFailed"), again]) == ["gm-one"]


def test_a_function_that_is_asked_for_is_no_job():
    details = {"resource": "invoke", "parameters": "{}"}
    assert unanswered([step(2, 1, "TaskScheduled", taskScheduledEventDetails=details)]) == []


@given(st.text())
def test_a_sign_is_read_from_its_key_and_from_no_other(name: str):
    key = keys.sign("r", WORK.function, WORK.until, WORK.request)
    assert keys.parse_sign(key) == ("job_map", 1_767_324_500)
    keys.parse_sign(keys.signs("r") + name)
    assert keys.parse_sign(f"{keys.signs('r')}sub/{name}") is None


class Context:
    aws_request_id = "0123-abcd"

    def get_remaining_time_in_millis(self) -> int:
        return 2_400


def test_an_invocation_says_until_when_it_may_work():
    assert invocation(Context(), "merge", lambda: 100.0) == Invocation("merge", "0123-abcd", 103 + CLOCKS_APART)


@given(own=st.floats(-2, 2), other=st.floats(-2, 2), began=st.floats(0, 2**31))
def test_no_clock_holds_an_invocation_for_ended_before_it_is(own: float, other: float, began: float):
    ended = began + Context().get_remaining_time_in_millis() / 1000
    assert invocation(Context(), "notify", lambda: began + own).until >= ended + other


def test_a_sign_stands_as_long_as_the_work_and_goes_with_it_however_it_ends(store: Storage):
    def signs() -> list[str]:
        return [sign.key for sign in store.list(keys.signs("r"))]

    with at_work(store, "r", WORK):
        assert signs() == [keys.sign("r", "job_map", WORK.until, WORK.request)]
    assert signs() == []
    with pytest.raises(ValueError, match="broken"), at_work(store, "r", WORK):
        raise ValueError("broken")
    assert signs() == []


def dropped(store: Storage) -> Drop:
    request = read_request(event(store, "inputs/strings/a.txt", b"a\n"), store.bucket)
    assert isinstance(request, Drop)
    return request


def mark(store: Storage, run: str, execution: str) -> None:
    store.put(keys.stop(run, execution.rpartition(":")[2]), b"{}")


def another(claimant: Claimant, name: str) -> Claimant:
    return Claimant(f"{claimant.execution}-{name}", datetime(2026, 1, 3, tzinfo=UTC), claimant.roots)


def test_a_stopped_execution_does_no_more_and_one_that_resumes_does(store: Storage, claimant: Claimant):
    drop = dropped(store)
    assert split(store, drop, claimant)["verdict"] == "GO"
    check_going(store, Cursor(drop.run, "map", 0))
    mark(store, drop.run, claimant.execution)
    assert is_stopped(store, drop.run, claimant.execution)
    for begin in (
        lambda: check_going(store, Cursor(drop.run, "map", 0)),
        lambda: check_not_stopped(store, drop.run, claimant.execution),
        lambda: split(store, drop, claimant),
    ):
        with pytest.raises(Refused, match="was stopped"):
            begin()
    resuming = another(claimant, "resume-1")
    assert split(store, Resume(run=drop.run, fence=1), resuming)["attempt"] == ATTEMPTS_MAX
    check_going(store, Cursor(drop.run, "map", ATTEMPTS_MAX))
    with pytest.raises(Superseded, match="belongs to"):
        check_going(store, Cursor(drop.run, "map", 0))


def test_a_merge_that_a_stop_overtakes_publishes_nothing(store: Storage, claimant: Claimant, monkeypatch: Any):
    drop = dropped(store)
    split(store, drop, claimant)
    work(store, monkeypatch, Cursor(drop.run, "map", 0))
    output = keys.result("strings", "a.txt", drop.run, "repeat.txt")
    store.delete(output)
    mark(store, drop.run, claimant.execution)  # after the merge had looked for it
    with pytest.raises(Refused, match="was stopped"):
        merge(store, Cursor(drop.run, "map", 0), "repeat")
    assert store.head(output) is None


def test_an_upload_that_must_not_appear_is_given_up(store: Storage):
    def refuse() -> None:
        raise Refused(["it was stopped"])

    store.put("large", b"x" * S3_PART_MIN)
    pieces = [Piece("large", 0, S3_PART_MIN)] * 2
    with pytest.raises(Refused):
        store.compose("results/all", pieces, {}, "scratch/", refuse)
    assert store.head("results/all") is None
    assert "Uploads" not in store.client.list_multipart_uploads(Bucket=store.bucket)


def test_an_event_that_comes_again_begins_no_run_that_was_stopped(store: Storage, claimant: Claimant):
    drop = dropped(store)
    mark(store, drop.run, claimant.execution)  # before its Split had claimed the run
    for execution in (claimant, another(claimant, "late")):
        with pytest.raises(Refused, match="was stopped"):
            split(store, drop, execution)
    assert store.head(keys.run_record(drop.run)) is None


def test_an_event_that_comes_again_after_a_claim_is_a_duplicate_all_the_same(store: Storage, claimant: Claimant):
    drop = dropped(store)
    split(store, drop, claimant)
    mark(store, drop.run, claimant.execution)
    assert split(store, drop, another(claimant, "late"))["verdict"] == "DUPLICATE"
