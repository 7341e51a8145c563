"""One run per object version: whatever comes twice, late, out of order or at once."""

import copy
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gristmill import keys
from tests.integration.mill import Mill

TEXT = b"one\nWAIT\nthree\n"


def again(event: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the event as S3 may send it once more: another event, of the same object version."""
    twin = copy.deepcopy(event)
    twin["id"] = str(uuid.uuid4())
    twin["detail"]["object"]["sequencer"] = f"{number:020X}"
    return twin


def start(mill: Mill, event: dict[str, Any]) -> str:
    """Start an execution as the rule does; return its ARN."""
    states = mill.client("stepfunctions")
    arn: str = states.start_execution(
        stateMachineArn=mill.outputs["StateMachineArn"], name=event["id"], input=json.dumps(event)
    )["executionArn"]
    return arn


def event_of(mill: Mill, key: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(mill.executions(key)[0]["input"])
    return event


def test_events_that_come_again_at_once_and_late_start_one_run(mill: Mill, tmp_path: Path):
    run = mill.drop("gated", "again.txt", TEXT, marks=str(marks(tmp_path)))
    event = event_of(mill, keys.input_key("gated", "again.txt"))
    with ThreadPoolExecutor(3) as pool:
        twins = list(pool.map(lambda number: start(mill, again(event, number)), range(3)))
    owner = mill.execution(run)
    every = {
        execution["executionArn"] for execution in mill.executions(keys.input_key("gated", "again.txt"), at_least=4)
    }
    losers = every - {owner}
    assert every == {owner, *losers} >= set(twins)
    assert len(losers) == 3
    for arn in losers:  # they end while the run is going, and take nothing from it
        assert mill.end(arn)["status"] == "SUCCEEDED"
    open_gate(tmp_path)
    assert mill.finish(run)["status"] == "SUCCEEDED"
    assert mill.end(start(mill, again(event, 9)))["status"] == "SUCCEEDED"
    assert mill.read(keys.result("gated", "again.txt", run, "copied.txt")) == TEXT
    assert mill.read_json(keys.run_record(run))["execution"] == owner
    assert len(mill.jobs(run)) == 1
    mill.mail(run, "SUCCEEDED")
    assert len(mill.mails(run)) == 1


def test_a_key_overwritten_and_deleted_while_its_run_goes_on_gives_each_version_its_own_result(
    mill: Mill, tmp_path: Path
):
    key = keys.input_key("gated", "versions.txt")
    first = mill.drop("gated", "versions.txt", TEXT, marks=str(marks(tmp_path)))
    mill.execution(first)
    second = mill.drop("gated", "versions.txt", b"another\n", marks=str(tmp_path / "marks"))
    refused = mill.drop("gated", "versions.txt", b"")
    mill.client("s3").delete_object(Bucket=mill.bucket, Key=key)
    open_gate(tmp_path)
    assert mill.finish(first)["status"] == "SUCCEEDED"
    assert mill.finish(second)["status"] == "SUCCEEDED"
    assert mill.finish(refused)["status"] == "FAILED"
    assert mill.read(keys.result("gated", "versions.txt", first, "copied.txt")) == TEXT
    assert mill.read(keys.result("gated", "versions.txt", second, "copied.txt")) == b"another\n"


def test_a_merge_that_is_repeated_changes_nothing(mill: Mill):
    run = mill.drop("strings", "replay.txt", b"one\ntwo\n", lines_per_task="1")
    assert mill.finish(run)["status"] == "SUCCEEDED"
    prefix = keys.results_prefix("strings", "replay.txt", run)
    before = versions(mill, prefix)
    cursor = {"run": run, "stage": "map", "attempt": 0, "branch": "repeat"}
    answer = mill.invoke("MergeFunction", cursor)
    assert answer == {"branch": "repeat", "merged": True}
    assert versions(mill, prefix) == before


def versions(mill: Mill, prefix: str) -> list[tuple[str, str]]:
    listed = mill.client("s3").list_object_versions(Bucket=mill.bucket, Prefix=prefix)["Versions"]
    return [(entry["Key"], entry["VersionId"]) for entry in listed]


def marks(folder: Path) -> Path:
    made = folder / "marks"
    made.mkdir()
    return made


def open_gate(folder: Path) -> None:
    (folder / "marks.open").touch()
