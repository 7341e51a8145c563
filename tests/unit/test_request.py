"""Any JSON at all, as an execution's input, as an event's detail or in a record's place: refused, never a crash."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from gristmill import keys
from gristmill.errors import Corrupt, Refused
from gristmill.runs.drop import Drop
from gristmill.runs.evidence import Failure, Receipt
from gristmill.runs.findings import Finding
from gristmill.runs.reading import find, find_readable, readable
from gristmill.runs.records import Bill, Outcome, RunRecord
from gristmill.runs.request import Resume, parse_request, read_request
from gristmill.steps.notify.notify import notify

BUCKET = "mill"
EVENT: dict[str, Any] = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {
        "bucket": {"name": BUCKET},
        "object": {"key": "inputs/strings/a.txt", "version-id": "v", "etag": "e", "size": 1, "sequencer": "0"},
        "requester": "123456789012",
        "new-field-of-aws": [1],
    },
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["\ud800", "resume", "run"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resume", "run", "detail", "object", "bucket", "key", "name"]) | st.text(), inner
        )
    ),
    max_leaves=8,
)
PLACES: list[list[str]] = [
    ["source"],
    ["detail-type"],
    ["detail"],
    ["detail", "bucket"],
    ["detail", "bucket", "name"],
    ["detail", "object"],
    ["detail", "object", "key"],
    ["detail", "object", "version-id"],
    ["detail", "object", "size"],
    ["detail", "object", "etag"],
    ["detail", "object", "sequencer"],
    ["detail", "requester"],
]


def spoil(place: list[str], value: Any) -> dict[str, Any]:
    """Return a good event with one value of it replaced."""
    event: dict[str, Any] = json.loads(json.dumps(EVENT))
    inner = event
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    return event


def is_sound(given_input: Any) -> bool:
    """Tell whether an input is taken; what is taken is a drop into the bucket or a resume, with a run id."""
    try:
        request = read_request(given_input, BUCKET)
    except Refused:
        return False
    assert isinstance(request, Drop | Resume)
    assert len(request.run) == 16
    assert isinstance(request, Resume) or (request.bucket == BUCKET and request.key.startswith(keys.INPUTS))
    return True


@given(ANYTHING)
def test_any_input_is_a_request_or_refused(value: Any):
    is_sound(value)
    is_sound({"resume": value})
    is_sound({"resume": {"run": value, "fence": 1}})
    is_sound({"resume": {"run": "0123456789abcdef", "fence": value}})


@given(st.sampled_from(PLACES), ANYTHING)
def test_an_event_with_anything_in_any_place_is_sound_or_refused(place: list[str], value: Any):
    is_sound(spoil(place, value))


@given(st.text() | st.sampled_from(["[" * 100_000, '{"a":' * 100_000, "1" * 10_000, '"\\ud800"', "NaN", ""]))
def test_any_text_is_a_request_or_refused(text: str):
    with pytest.raises(Refused, match="input"):
        parse_request(text, BUCKET)


def test_what_aws_sends_and_what_resume_starts_is_taken():
    assert is_sound(EVENT)
    assert is_sound({"resume": {"run": "0123456789abcdef", "fence": 1}})
    assert parse_request(json.dumps(EVENT), BUCKET) == read_request(EVENT, BUCKET)


@pytest.mark.parametrize("key", ["results/strings/a.txt", "runs/x", "inputs", "", "x" * 2000])
def test_only_what_lies_below_inputs_is_dropped(key: str):
    assert not is_sound(spoil(["detail", "object", "key"], key))


def test_an_event_of_another_bucket_is_refused_by_its_name():
    with pytest.raises(Refused, match="other is not this stack's bucket, mill"):
        read_request(spoil(["detail", "bucket", "name"], "other"), BUCKET)


@dataclass
class Bucket:
    """A store that must not be touched beyond its name."""

    bucket: str = BUCKET


@dataclass
class NotifyClients:
    """What Notify works with, where it must do nothing."""

    store: Bucket = field(default_factory=Bucket)


CHANGE = {"executionArn": "arn", "status": "FAILED", "startDate": 1, "stateMachineArn": "m"}


@given(ANYTHING, ANYTHING)
def test_notify_tells_nobody_of_what_was_started_by_hand(value: Any, other: Any):
    if is_sound(value) or is_sound(other):
        return
    notice = {"status": "FAILED", "execution": "arn", "started": "2026-01-02T03:04:05Z", "event": value}
    detail = {**CHANGE, "input": json.dumps(other)}
    odd = {**CHANGE, "input": value, "status": other, "startDate": value}
    for payload in (
        notice,
        {"detail-type": "x", "detail": detail},
        {"detail-type": "x", "detail": value},
        {"detail-type": "x", "detail": odd},
        {"detail-type": "x"},
    ):
        assert notify(NotifyClients(), payload)["sent"] is False  # type: ignore[arg-type]


@given(st.binary(max_size=200) | ANYTHING.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")))
@example(b'{"\\n":null}')
def test_any_bytes_in_a_records_place_are_told_or_left_out(raw: bytes):
    class Place:
        def find(self, _key: str, _most: int) -> bytes:
            return raw

    place: Any = Place()
    for kind in (RunRecord, Receipt, Failure, Finding, Outcome, Bill):
        with pytest.raises(Corrupt, match="runs/x is no record of this version's making") as refused:
            find(place, kind, "runs/x")
        assert "\n" not in str(refused.value)
        assert find_readable(place, kind, "runs/x") is None
        assert list(readable(place, kind, ["runs/x"])) == []


@given(st.text() | st.from_regex(r"[0-9]{1,13}-[0-9]{1,13}(\.json)?"))
def test_any_name_in_a_branch_is_parsed_or_none(name: str):
    branch = keys.BranchKeys("r", "s", "b", "f")
    for place in (branch.receipts, branch.failures, branch.usage):
        for parse in (keys.parse_span, keys.parse_failure, keys.usage_figures):
            parse(place + name)
    keys.parse_job_name(f"gm-r-{name}")


def test_a_record_that_is_too_large_is_told(monkeypatch: pytest.MonkeyPatch):
    class Place:
        def find(self, _key: str, most: int) -> bytes:
            return b"x" * most

    monkeypatch.setattr("gristmill.runs.reading.RECORD_MAX", 1000)
    with pytest.raises(Corrupt, match="more than 1,000 bytes"):
        find(Place(), RunRecord, "runs/x")  # type: ignore[arg-type]


def receipt(**wrong: Any) -> dict[str, Any]:
    good = {"first": 3, "end": 5, "attempt": 0, "etag": "e", "job_id": "j", "log_stream": "", "started": 0, "ended": 1}
    lists = {"offsets": [0, 4, 4], "bytes_in": [1, 1], "records_in": [1, 1], "records_out": [1, 0]}
    return {**good, **lists, **wrong}


@pytest.mark.parametrize(
    "wrong",
    [{"offsets": [0, 4]}, {"offsets": [0, 5, 4]}, {"offsets": [1, 4, 4]}, {"offsets": [0, -1, 4]}]
    + [{name: [1]} for name in ("bytes_in", "records_in", "records_out")]
    + [{"end": 3}, {"end": 2}, {"records_out": [1, 2**70]}],
)
def test_a_receipt_that_does_not_add_up_is_none(wrong: dict[str, Any]):
    Receipt.model_validate(receipt())
    with pytest.raises(ValidationError):
        Receipt.model_validate(receipt(**wrong))
