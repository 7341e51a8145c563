"""Tasks that are left out, through the deployed template: a status of its own, and a resume that mends it."""

import json

import pytest

from gristmill import keys
from gristmill.errors import ExitCode
from gristmill.report.model import Report
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli
from tests.unit.test_left_out import text

__all__ = ["cli"]

LEFT_OUT = "2 of 200 left out"
WET = "task 1 (bytes 7 to 13 of its stage's input), attempt 2: ValueError: the grain is wet"


@pytest.fixture(scope="module")
def runs(mill: Mill) -> dict[str, str]:
    """Drop a file for every case: two bad lines in 200 are one in a hundred, three are more."""
    bodies = {
        "edge": text("ONCE", "ONCE", lines=200),
        "over": text("BAD", "BAD", "BAD", lines=200),
        "killed": text("KILLED"),
    }
    return {name: mill.drop("lenient", f"{name}.txt", body) for name, body in bodies.items()}


def test_one_in_a_hundred_is_left_out_and_stands_in_every_place(mill: Mill, cli: Cli, runs: dict[str, str]):
    run = runs["edge"]
    outcome = mill.finish(run)
    assert (outcome["status"], outcome["reason"].endswith(f"(copied: {LEFT_OUT})")) == ("PARTIAL", True)
    ended = mill.end(mill.execution(run))
    assert (ended["status"], ended["error"]) == ("FAILED", "Gristmill.Partial")
    mail = mill.mail(run, "PARTIAL:")
    assert mail["Subject"].startswith(f"[gristmill] PARTIAL: {LEFT_OUT}, lenient/edge.txt after ")
    body = mail.get_content()
    assert "\n\nLeft out: 2 of 200 tasks\n  read/copied, task 0 " in body
    assert f"\n  All of them: s3://{mill.bucket}/{keys.left_out(run)}\n" in body
    assert f"Try what was left out once more: gristmill resume {run}\n" in body
    listed = [json.loads(line) for line in mill.read(keys.left_out(run)).splitlines()]
    assert [(line["task"], line["start"], line["end"], line["records"]) for line in listed] == [
        (0, 0, 7, 1),
        (1, 7, 14, 1),
    ]
    assert mill.read(keys.result("lenient", "edge.txt", run, "summed.txt")) == b"198\n"
    report = Report.model_validate_json(mill.read(keys.report("lenient", "edge.txt", run, "json")))
    assert (report.status, report.stages[0].branches[0].left_out) == ("PARTIAL", 2)
    page = mill.read(keys.report("lenient", "edge.txt", run, "html")).decode()
    assert '<span class="pill PARTIAL">PARTIAL</span>' in page
    assert "198<small>of 200, 2 left out</small>" in page
    assert "What was left out" in page

    shown = cli("status", run)
    assert shown.out.startswith("PARTIAL lenient/edge.txt")
    assert WET in shown.out
    (line,) = [line for line in cli("runs", "--status", "PARTIAL").out.splitlines() if line.startswith(run)]
    assert "PARTIAL" in line
    assert "PARTIAL: its results are not complete" in cli("results", run).err
    assert cli("watch", run).code == ExitCode.PARTIAL == 7


def test_a_resume_tries_what_was_left_out_and_ends_green(mill: Mill, cli: Cli, runs: dict[str, str]):
    run = runs["edge"]
    mill.finish(run)
    resumed = cli("resume", run)
    assert (resumed.code, resumed.out.startswith("SUCCEEDED lenient/edge.txt")) == (0, True)
    assert mill.read(keys.result("lenient", "edge.txt", run, "copied.txt")) == text("ONCE", "ONCE", lines=200)
    assert mill.read(keys.result("lenient", "edge.txt", run, "summed.txt")) == b"200\n"
    assert mill.read(keys.left_out(run)) == b""


@pytest.mark.parametrize(
    ("case", "reason"),
    [("over", "copied: 3 of 200 tasks have no output (ValueError: the grain is wet)"), ("killed", "SIGKILL")],
)
def test_one_more_fails_the_run_and_so_does_a_killed_container(
    mill: Mill, runs: dict[str, str], case: str, reason: str
):
    run = runs[case]
    outcome = mill.finish(run)
    assert outcome["status"] == "FAILED"
    assert reason in outcome["reason"]
    assert mill.results("lenient", f"{case}.txt", run) == []
    assert keys.left_out(run) not in mill.keys(keys.run_prefix(run))
