"""Batches that are resumed and stopped, and one of forty items."""

import json
from pathlib import Path

from gristmill.batches.ends import newest_fed
from gristmill.errors import ExitCode
from gristmill.runs.repository import read_record
from tests.integration.batches import drop_batch, statuses
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli

__all__ = ["cli"]


def test_forty_items_and_one_mail(mill: Mill, cli: Cli):
    bodies = {f"s{n}": b"a b\n" * n for n in range(1, 41)}
    run = drop_batch(mill, "words", "forty", bodies, at_once=10)
    assert mill.finish(run, 300)["status"] == "SUCCEEDED"
    assert statuses(mill, run) == dict.fromkeys(range(1, 41), "SUCCEEDED")
    assert "40 succeeded of 40" in mill.mail(run, "SUCCEEDED:")["Subject"]
    assert len(mill.mails(run)) == 1
    seen = json.loads(cli("status", run, "--json").out)
    assert (seen["kind"], seen["items"]["ended"], seen["items"]["failed"]) == ("batch", 40, 0)
    report = mill.read_json(f"results/words/forty/{run}/report.json")
    assert [item["item"] for item in report["items"]] == list(range(1, 41))
    listed = json.loads(cli("runs", "--batch", run, "-n", "100", "--json").out)
    assert {each["run"] for each in listed} == {item["run"] for item in report["items"]}


def test_a_resume_of_a_batch_feeds_the_item_that_failed_alone(mill: Mill, cli: Cli, tmp_path: Path):
    bodies = {"good": b"a\n", "torn": b"BAD\n"}
    each = [{}, {"mode": "until-mended", "marks": str(tmp_path)}]
    run = drop_batch(mill, "trouble", "sieve", bodies, each)
    assert mill.finish(run)["status"] == "FAILED"
    assert statuses(mill, run) == {1: "SUCCEEDED", 2: "FAILED"}
    mail = mill.mail(run, "FAILED:")
    assert "1 succeeded, 1 failed of 2" in mail["Subject"]
    text = " ".join(mail.get_content().split())
    assert "2 torn: FAILED: copied: " in text and "the sieve has a hole" in text
    assert f"gristmill resume {run}" in text
    for command in (["resume", run, "--with-changes"], ["plan", run]):
        refused = cli(*command)
        assert (refused.code, f"run {run} is a batch" in refused.err) == (ExitCode.REFUSED, True), refused.err
    (tmp_path / "mended").touch()
    assert cli("resume", run, "--no-watch").code == 0
    mill._until(lambda: statuses(mill, run) == dict.fromkeys((1, 2), "SUCCEEDED"), 60, "the item is not fed anew")
    assert mill.mail(run, "SUCCEEDED:")
    rounds = {item: newest_fed(mill.store, run, item) for item in (1, 2)}
    records = {item: read_record(mill.store, fed.run) for item, fed in rounds.items() if fed}
    assert {item: record.fence for item, record in records.items()} == {1: 1, 2: 2}


def test_a_stop_half_way_leaves_nothing_running_and_a_resume_goes_on(mill: Mill, cli: Cli, tmp_path: Path):
    hanging = {"mode": "hang-until-mended", "marks": str(tmp_path)}
    run = drop_batch(mill, "trouble", "halted", dict.fromkeys(("a", "b", "c"), b"BAD\n"), [hanging] * 3, at_once=2)
    mill._until(lambda: len(list(tmp_path.iterdir())) >= 2, 60, "no two items began")
    answer = cli("stop", run)
    assert (answer.code, "2 of its items were RUNNING" in answer.out) == (0, True), answer
    assert set(statuses(mill, run)) == {1, 2}
    arns = [read_record(mill.store, item.run).execution for n in (1, 2) if (item := newest_fed(mill.store, run, n))]
    described = [mill.client("stepfunctions").describe_execution(executionArn=arn)["status"] for arn in arns]
    assert described == ["ABORTED", "ABORTED"]
    assert newest_fed(mill.store, run, 3) is None
    (tmp_path / "mended").touch()
    assert cli("resume", run, "--no-watch").code == 0
    assert "3 succeeded of 3" in mill.mail(run, "SUCCEEDED:", 90)["Subject"]
    assert [newest_fed(mill.store, run, n).round for n in (1, 2, 3)] == [2, 2, 2]
