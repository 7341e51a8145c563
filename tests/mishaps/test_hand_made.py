"""What somebody starts, puts or submits by hand spoils nothing for others: it is left out, refused, or told apart."""

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest

from gristmill import keys
from gristmill.cli import main
from gristmill.client.runs.control import resume, stop
from gristmill.client.runs.find import find_run, list_runs
from gristmill.client.stack import Stack as Client
from gristmill.client.stack import open_stack
from gristmill.enums import RunStatus
from gristmill.errors import Refused
from tests.integration.mill import Mill

# Execution inputs that StartExecution takes: JSON of any kind
STRANGE: dict[str, str] = {
    "a number": "5",
    "nothing": "null",
    "a list": "[]",
    "a text": '"resume"',
    "a key of a number": '{"detail": {"bucket": {"name": "b"}, "object": {"key": 5}}}',
    "no object": '{"source": "aws.s3", "detail-type": "Object Created", "detail": {}}',
    "a resume of nothing": '{"resume": null}',
    "a resume of a number": '{"resume": {"run": 5}}',
    "a resume of no run": '{"resume": {"run": "0123456789abcdef", "fence": 1}}',
    "a resume with more": '{"resume": {"run": "0123456789abcdef", "fence": 1, "also": 1}}',
    "a resume without a fence": '{"resume": {"run": "0123456789abcdef"}}',
    "a resume with an odd fence": '{"resume": {"run": "0123456789abcdef", "fence": true}}',
    "a resume with fence 0": '{"resume": {"run": "0123456789abcdef", "fence": 0}}',
    "a test event": '{"source": "aws.s3", "detail-type": "Scheduled Event", "detail": {}}',
    "deep": "[" * 500 + "]" * 500,
    "long": json.dumps({"detail": "x" * 200_000}),
}


@pytest.fixture(scope="module")
def client(mill: Mill) -> Client:
    return open_stack(mill.target, "gristmill")


@pytest.fixture(autouse=True)
def at_home(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))


def start(mill: Mill, text: str, name: str | None = None) -> str:
    started = mill.client("stepfunctions").start_execution(
        stateMachineArn=mill.outputs["StateMachineArn"], name=name or str(uuid.uuid4()), input=text
    )
    return str(started["executionArn"])


def answer_of(mill: Mill, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Return what a command answers in JSON; it must end well."""
    capsys.readouterr()
    code = main.call(["--endpoint-url", mill.endpoint, *words, "--json"])
    shown = capsys.readouterr()
    assert code == 0, shown.err
    assert "Traceback" not in shown.err
    return json.loads(shown.out)


@pytest.fixture(scope="module")
def strange(mill: Mill) -> dict[str, str]:
    """Start one execution of each kind; return their ARNs."""
    return {name: start(mill, text) for name, text in STRANGE.items()}


@pytest.fixture(scope="module")
def done(mill: Mill) -> str:
    run = mill.drop("strings", "by-hand.txt", b"a\nb\n")
    assert mill.finish(run)["status"] == "SUCCEEDED"
    return run


@pytest.mark.parametrize("kind", STRANGE)
def test_what_asks_for_nothing_is_refused_and_nobody_hears_of_it(mill: Mill, strange: dict[str, str], kind: str):
    ended = mill.end(strange[kind])
    assert ended["status"] == "FAILED"
    assert "input" in ended["cause"] or "no run" in ended["cause"] or "does not exist" in ended["cause"]
    assert mill.mails(strange[kind].rpartition(":")[2]) == []


def test_every_run_is_still_listed(mill: Mill, strange: dict[str, str], done: str, capsys: pytest.CaptureFixture[str]):
    listed = answer_of(mill, capsys, "runs", "-n", "50")
    assert done in [run["run"] for run in listed]
    assert not {notice["execution"] for notice in listed} & set(strange.values())
    assert answer_of(mill, capsys, "status")["run"] == listed[0]["run"]


def test_an_event_of_another_bucket_runs_nothing(mill: Mill, done: str):
    other = f"other-{uuid.uuid4().hex[:8]}"
    key = keys.input_key("strings", "by-hand.txt")
    item = {"key": key, "version-id": "v", "etag": "e", "size": 1, "sequencer": "0"}
    detail = {"bucket": {"name": other}, "object": item}
    before, mails = mill.keys("runs/"), len(mill.mails("by-hand.txt"))
    event = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
    ended = mill.end(start(mill, json.dumps(event)))
    assert ended["status"] == "FAILED"
    assert f"{other} is not this stack's bucket" in ended["cause"]
    assert (mill.keys("runs/"), len(mill.mails("by-hand.txt"))) == (before, mails)


def test_an_event_of_a_version_that_is_not_there_is_refused_with_the_reason(mill: Mill, done: str):
    key = keys.input_key("strings", "by-hand.txt")
    item = {"key": key, "version-id": "of another key", "etag": "e", "size": 1, "sequencer": "0"}
    event = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": mill.bucket}, "object": item},
    }
    ended = mill.end(start(mill, json.dumps(event)))
    assert ended["status"] == "FAILED"
    assert "is gone; drop the file again" in ended["cause"]


def test_a_taken_name_keeps_nobody_from_resuming(mill: Mill, client: Client, tmp_path: Any):
    run = mill.drop("trouble", "named.txt", b"BAD\n", mode="hang", marks=str(tmp_path))
    mill._until(lambda: mill.jobs(run) != [], 30, "no job is submitted")
    assert stop(client, find_run(client, run), "miller").proved
    mill.end(start(mill, "5", f"{run}-resume-1"))
    resumed = resume(client, find_run(client, run))
    assert find_run(client, run).execution.arn == resumed.arn
    assert stop(client, find_run(client, run), "miller").proved


BROKEN = {
    "empty": b"",
    "not JSON": b"\xff\x00{",
    "truncated": b'{"contract": 1, "run": "',
    "of another version": b'{"contract": 99}',
    "a number": b"5",
    "of odd types": b'{"contract": 1, "run": [], "execution": {}, "input": 5}',
}


@pytest.fixture(scope="module")
def spoiled(mill: Mill) -> str:
    run = mill.drop("strings", "broken.txt", b"a\nb\n")
    assert mill.finish(run)["status"] == "SUCCEEDED"
    return run


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_record_is_told_and_keeps_no_other_run_from_view(
    mill: Mill, client: Client, done: str, spoiled: str, kind: str, capsys: pytest.CaptureFixture[str]
):
    mill.client("s3").put_object(Bucket=mill.bucket, Key=keys.run_record(spoiled), Body=BROKEN[kind])
    listed = {run.run: run for run in list_runs(client, 50)}
    assert {spoiled, done} <= set(listed)
    assert f"{keys.run_record(spoiled)} is no record" in listed[spoiled].lack
    assert answer_of(mill, capsys, "status", spoiled)["lack"] == listed[spoiled].lack
    assert answer_of(mill, capsys, "results", spoiled)["results"]
    failed = replace(listed[spoiled].execution, status=RunStatus.FAILED)
    with pytest.raises(Refused, match="cannot be resumed"):
        resume(client, replace(listed[spoiled], execution=failed))


STRAY = (
    "receipts/stray",
    "receipts/5.json",
    "receipts/000000000000-000000000002.json",
    "receipts/000000000005-000000000001.json",
    "receipts/sub/000000000000-000000000001.json",
    "failures/stray.json",
    "failures/000000000000-0000.json",
    "usage/stray.json",
    "usage/00000-00000-00000-00001/1-2-3.json",
)


@pytest.mark.parametrize("turn", range(3))
def test_stray_and_broken_objects_of_a_run_neither_crash_nor_change_what_is_told(
    mill: Mill, client: Client, done: str, turn: int, capsys: pytest.CaptureFixture[str]
):
    right = answer_of(mill, capsys, "status", done)
    places = [f"{mill.place(done, 'map', 'reverse').work}{name}" for name in STRAY]
    places += [f"{keys.checks(done, 'map')}zzzz.json", f"{keys.outcomes(done)}stray.json"]
    bodies = list(BROKEN.values())
    there = mill.keys(keys.run_prefix(done)) + mill.keys(keys.work_prefix(done))
    for number, place in enumerate(places):
        assert place not in there
        mill.client("s3").put_object(Bucket=mill.bucket, Key=place, Body=bodies[(number + turn) % len(bodies)])
    try:
        for words in (("results",), ("report",), ("logs", "--task", "0", "--branch", "reverse")):
            assert answer_of(mill, capsys, *words, done)
        assert answer_of(mill, capsys, "status", done) == right
    finally:
        for place in places:
            mill.client("s3").delete_object(Bucket=mill.bucket, Key=place)
