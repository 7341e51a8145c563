"""The cache between runs, through the deployed template and the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.settings.settings import CALLS_FILE
from gristmill import keys
from tests.integration.mill import Mill
from tests.integration.policies import count_requests
from tests.integration.test_cli import Cli, cli

__all__ = ["cli"]

LINES = b"abc\ndef\nghi\njkl\nmno\n"
NAMES = ("turn", "count")


@pytest.fixture
def fresh(mill: Mill, cli: Cli) -> Mill:
    """Empty the cache."""
    assert cli("cache", "drop", "cached").code == 0
    return mill


def finish(mill: Mill, name: str = "x.txt", body: bytes = LINES, **parameters: str) -> str:
    run = mill.drop_verified("cached", name, body, **parameters)
    assert mill.finish(run)["status"] == "SUCCEEDED"
    return run


def results(mill: Mill, run: str, name: str = "x.txt") -> dict[str, bytes]:
    prefix = keys.results_prefix("cached", name, run)
    return {file: mill.read(prefix + file) for file in mill.results("cached", name, run)}


def findings(mill: Mill, run: str) -> dict[str, Any]:
    """Return what was found last of each branch and output of a run, and the notes of the stages."""
    checks = [mill.read_json(mill.keys(keys.checks(run, stage))[-1]) for stage in ("first", "second")]
    notes = [note for check in checks for note in check["warnings"]]
    return {branch["branch"]: branch for check in checks for branch in check["branches"]} | {"notes": notes}


def reused(mill: Mill, run: str) -> list[str]:
    """Return the branches that a run has reused; it has no job of these, and of all others."""
    found = findings(mill, run)
    copied = [name for name in ("turn", "count.lines") if found[name]["reused"]]
    names = " ".join(job["jobName"] for job in mill.jobs(run))
    assert [f"-{branch}-" in names for branch in ("turn", "count", "alone")] == [
        "turn" not in copied,
        "count.lines" not in copied,
        True,
    ]
    return copied


def entry(mill: Mill, branch: str) -> tuple[str, dict[str, Any]]:
    found = {key: mill.read_json(key) for key in mill.keys(keys.cached_prefix("cached"))}
    return next((key, made) for key, made in found.items() if made["branch"] == branch)


def test_a_second_run_of_the_same_bytes_runs_no_job_of_what_is_cached(fresh: Mill, cli: Cli):
    first = finish(fresh)
    wanted = results(fresh, first)
    assert reused(fresh, first) == []
    second = finish(fresh, "again.txt")
    assert results(fresh, second, "again.txt") == wanted
    assert reused(fresh, second) == ["turn", "count.lines"]
    found = findings(fresh, second)
    assert {name: found[name]["reused"] for name in ("turn", "count.lines", "count.figures", "alone")} == {
        "turn": first,
        "count.lines": first,
        "count.figures": first,
        "alone": "",
    }
    counted = ("tasks", "done", "records_in", "records_out", "bytes_in", "bytes_out", "missing")
    before = findings(fresh, first)
    assert [[each[name][count] for count in counted] for each in (before, found) for name in ("turn", "count.lines")][
        :2
    ] == [[found[name][count] for count in counted] for name in ("turn", "count.lines")]
    told = f"turn: reused from {first}, saved "
    assert told in fresh.mail(second, "SUCCEEDED").get_content()
    assert told in cli("status", second).out
    shown = cli("status", second, "--json").json["stages"][0]["branches"]
    assert [(branch["branch"], branch["done"]) for branch in shown] == [("turn", 3), ("alone", 3)]
    page = fresh.read(keys.report("cached", "again.txt", second, "html")).decode()
    assert f"reused from {first}, saved " in page
    report = fresh.read_json(keys.report("cached", "again.txt", second, "json"))
    assert report["stages"][0]["branches"][0]["reused"] == first
    listed = cli("cache", "list", "--json").json
    assert {(each["branch"], each["run"]) for each in listed["entries"]} == {(name, first) for name in NAMES}
    assert all(each["dollars"] > 0 and each["size"] > 0 for each in listed["entries"])
    assert first in cli("cache", "list", "cached").out
    assert len(fresh.keys(keys.cached_prefix("cached"))) == 2


def test_other_bytes_or_parameters_are_a_miss(fresh: Mill):
    finish(fresh)
    assert reused(fresh, finish(fresh, mark="-")) == []
    assert reused(fresh, finish(fresh, body=LINES.upper())) == []
    assert reused(fresh, finish(fresh, "x.csv")) == []  # programs see how files are called


def test_without_a_verified_sha256_only_the_same_version_of_a_file_is_the_same(fresh: Mill):
    note = {"contract": 1, "input": {"key": "uploads/cache/x.txt"}}
    fresh.client("s3").put_object(Bucket=fresh.bucket, Key=note["input"]["key"], Body=LINES)

    def dropped(name: str) -> str:
        run = fresh.put(keys.note_key("cached", name), json.dumps(note).encode(), {})
        assert fresh.finish(run)["status"] == "SUCCEEDED"
        return run

    dropped("x.txt")
    assert reused(fresh, dropped("y.txt")) == ["turn", "count.lines"]
    fresh.client("s3").put_object(Bucket=fresh.bucket, Key=note["input"]["key"], Body=LINES)
    assert reused(fresh, dropped("z.txt")) == []


def test_what_is_told_not_to_reuses_nothing(fresh: Mill, cli: Cli, tmp_path: Path):
    file = tmp_path / "x.txt"
    file.write_bytes(LINES)
    first = cli("run", "cached", str(file), "--json").json["run"]
    second = cli("run", "cached", str(file), "--name", "second.txt", "--json").json["run"]
    third = cli("run", "cached", str(file), "--name", "third.txt", "--no-cache", "--json").json["run"]
    assert [reused(fresh, run) for run in (first, second, third)] == [[], ["turn", "count.lines"], []]
    assert cli("cache", "drop", "--json").json["dropped"] >= 2
    assert reused(fresh, finish(fresh)) == []


@pytest.mark.parametrize("damage", ["gone", "frozen", "flipped", "unreadable", "swapped", "pointed"])
def test_an_entry_with_anything_amiss_is_a_miss_and_replaced(fresh: Mill, cli: Cli, damage: str):
    first, s3 = finish(fresh), fresh.client("s3")
    wanted, (key, made), (other, _) = results(fresh, first), entry(fresh, "turn"), entry(fresh, "count")
    cached = made["outputs"][""]["object"]
    if damage == "gone":
        s3.delete_object(Bucket=fresh.bucket, Key=cached["key"], VersionId=cached["version"])
    elif damage == "frozen":
        source = {"Bucket": fresh.bucket, "Key": cached["key"], "VersionId": cached["version"]}
        copied = s3.copy_object(Bucket=fresh.bucket, Key=cached["key"], CopySource=source, StorageClass="GLACIER")[
            "VersionId"
        ]
        resealed(fresh, key, made, version=copied)
    elif damage == "flipped":
        body = fresh.read(key).replace(b'"records_out":5', b'"records_out":4')
        s3.put_object(Bucket=fresh.bucket, Key=key, Body=body)
    elif damage == "unreadable":
        s3.put_object(Bucket=fresh.bucket, Key=key, Body=b"{")
    elif damage == "swapped":
        s3.copy_object(Bucket=fresh.bucket, Key=key, CopySource={"Bucket": fresh.bucket, "Key": other})
    else:
        evil = s3.put_object(Bucket=fresh.bucket, Key=cached["key"], Body=b"x" * cached["size"])
        resealed(fresh, key, made, version=evil["VersionId"], etag=evil["ETag"].strip('"'))
    second = finish(fresh, "again.txt")
    assert results(fresh, second, "again.txt") == wanted
    assert "turn" not in reused(fresh, second)
    (note,) = findings(fresh, second)["notes"]
    assert note.startswith("turn was not reused of another run: ")
    assert note in fresh.mail(second, "SUCCEEDED").get_content()
    third = finish(fresh, "third.txt")
    assert findings(fresh, third)["turn"]["reused"] == second
    assert results(fresh, third, "third.txt") == wanted


def resealed(mill: Mill, key: str, made: dict[str, Any], **change: str) -> None:
    """Write an entry as somebody would who may, pointing elsewhere."""
    from gristmill.cache.entry import Entry

    output = made["outputs"][""] | {"object": made["outputs"][""]["object"] | change}
    forged = Entry.model_validate_json(json.dumps(made | {"outputs": {"": output}})).sealed()
    mill.client("s3").put_object(Bucket=mill.bucket, Key=key, Body=forged.model_dump_json().encode())


def test_a_result_that_is_replaced_later_changes_nothing_of_what_is_reused(fresh: Mill):
    first = finish(fresh)
    wanted, (_, made) = results(fresh, first), entry(fresh, "turn")
    fresh.client("s3").put_object(Bucket=fresh.bucket, Key=made["outputs"][""]["object"]["key"], Body=b"other")
    second = finish(fresh, "again.txt")
    assert reused(fresh, second) == ["turn", "count.lines"]
    assert results(fresh, second, "again.txt") == wanted


def test_two_equal_runs_at_once_end_alike_and_the_first_entry_stands(fresh: Mill):
    runs = {name: fresh.drop_verified("cached", name, LINES) for name in ("x.txt", "y.txt")}
    assert [fresh.finish(run)["status"] for run in runs.values()] == ["SUCCEEDED"] * 2
    first, second = (results(fresh, run, name) for name, run in runs.items())
    assert first == second
    third = finish(fresh, "z.txt")
    assert reused(fresh, third) == ["turn", "count.lines"]
    assert findings(fresh, third)["turn"]["reused"] in runs.values()


@pytest.mark.parametrize("times", [1, 2])
def test_the_model_counts_the_requests_of_what_is_cached_and_of_what_is_reused(fresh: Mill, times: int):
    log = fresh.data / CALLS_FILE
    for number in range(times):
        start = log.stat().st_size
        run = fresh.drop_verified("cached", f"cost-{number}.txt", LINES)
        usage, expected = fresh.finish(run)["cost"]["usage"], fresh.read_json(keys.estimate(run))["usage"]
        fresh.mail(run, "SUCCEEDED")
        made = count_requests(log, start)
    for kind in ("s3_write", "s3_read"):
        assert usage[kind] == pytest.approx(made[kind], rel=0.05)
        assert expected[kind] == pytest.approx(made[kind], rel=0.05)
