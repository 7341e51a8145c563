"""Figures and their bounds, through the deployed template: what ends green, what warns, what fails.

All files are dropped first and run side by side; each test then looks at its own.
"""

import json
from pathlib import Path

import pytest

from gristmill import keys
from gristmill.report.model import Report
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli

__all__ = ["cli"]

GOOD = b'{"error": 0.5, "sieve": {"noise": 0.1}, "other": "of no account"}'
WORN = "sieve: sieve.noise is 3.5, and must be at least 0 and at most 0.5: The sieve is worn."
WET = "figures: error is 2, and must be at most 1: The grain is wet; dry it, and grind it again."
LIMITS = ("figures: error must be at most 1", "sieve: sieve.noise must be at least 0 and at most 0.5")


def both(problem: str) -> list[str]:
    return [f"{each}, but the branch wrote {problem}" for each in LIMITS]


FAILS = {
    "wet": (b'{"error": 2, "sieve": {"noise": 0.1}}', [WET]),
    "both": (b'{"error": 2, "sieve": {"noise": 3.5}}', [WET]),
    "absent": (b'{"errors": 0, "sieve": {"noise": 0}}', both("no error; it wrote: errors, sieve")[:1]),
    "nan": (b'{"error": 0, "sieve": {"noise": NaN}}', both("NaN for noise, which is no number")),
    "forged": (b'[{"error": 0, "sieve": {"noise": 0}}]', both("a list, not one JSON object of figures")),
    "text": (b'{"error": 0, "sieve": "fine"}', [f"{LIMITS[1]}, but there is a text where noise should be"]),
    "twice": (b'{"error": 2, "error": 0, "sieve": {"noise": 0}}', both("error twice")),
}


@pytest.fixture(scope="module")
def runs(mill: Mill) -> dict[str, str]:
    """Drop a file for every case."""
    bodies = {"good": GOOD, "worn": GOOD.replace(b"0.1", b"3.5"), **{name: body for name, (body, _) in FAILS.items()}}
    return {name: mill.drop("checked", f"{name}.json", body) for name, body in bodies.items()}


def reported(mill: Mill, name: str, run: str) -> Report:
    return Report.model_validate_json(mill.read(keys.report("checked", f"{name}.json", run, "json")))


def page_of(mill: Mill, name: str, run: str) -> str:
    return mill.read(keys.report("checked", f"{name}.json", run, "html")).decode()


def test_figures_within_their_bounds_are_told_and_change_nothing(mill: Mill, runs: dict[str, str]):
    run = runs["good"]
    outcome = mill.finish(run)
    assert (outcome["status"], outcome["warnings"]) == ("SUCCEEDED", [])
    mail = mill.mail(run, "SUCCEEDED")
    assert mail["Subject"].startswith("[gristmill] SUCCEEDED checked/good.json in ")
    assert "Checks    2 of 2 figures within their bounds\n" in mail.get_content()
    report = reported(mill, "good", run)
    assert [(check.stage, check.check.figure, check.value, check.verdict) for check in report.checks] == [
        ("look", "error", 0.5, "PASSED"),
        ("look", "sieve.noise", 0.1, "PASSED"),
    ]
    assert report.warnings == []
    assert '<span class="pill SUCCEEDED">SUCCEEDED</span>' in page_of(mill, "good", run)


def test_a_warning_leaves_a_run_succeeded_and_stands_in_every_place(mill: Mill, cli: Cli, runs: dict[str, str]):
    run = runs["worn"]
    outcome = mill.finish(run)
    assert (outcome["status"], outcome["warnings"]) == ("SUCCEEDED", [WORN])
    assert mill.results("checked", "worn.json", run) == ["copied.json", "figures.json"]
    mail = mill.mail(run, "SUCCEEDED")
    assert mail["Subject"].startswith("[gristmill] SUCCEEDED with 1 warning checked/worn.json in ")
    assert f"\n\nWarnings\n  {WORN}\n" in mail.get_content()
    assert "Checks    1 of 2 figures within their bounds\n" in mail.get_content()
    report, page = reported(mill, "worn", run), page_of(mill, "worn", run)
    assert (report.status, report.warnings, report.checks[1].verdict) == ("SUCCEEDED", [WORN], "WARNED")
    assert "<title>SUCCEEDED with 1 warning checked/worn.json</title>" in page
    assert f"<li>{WORN}</li>" in page

    for command in ("status", "watch"):
        answer = cli(command, run)
        assert answer.code == 0
        assert answer.out.startswith("SUCCEEDED with 1 warning checked/worn.json")
        assert WORN in answer.out
        assert cli(command, run, "--json").json["warnings"] == [WORN]
    assert "PASSED figures: error is 0.5 (at most 1)\n" in cli("status", run).out
    (line,) = [line for line in cli("runs").out.splitlines() if line.startswith(run)]
    assert "SUCCEEDED with 1 warning" in line
    (told_run,) = [each for each in cli("runs", "--json").json if each["run"] == run]
    assert told_run["warnings"] == [WORN]
    assert f"Run {run} is SUCCEEDED with 1 warning: {WORN}" in cli("results", run).err


@pytest.mark.parametrize("name", FAILS)
def test_a_figure_that_fails_ends_the_run_before_its_next_stage(mill: Mill, runs: dict[str, str], name: str):
    run, why = runs[name], FAILS[name][1]
    outcome = mill.finish(run)
    assert (outcome["status"], outcome["reason"]) == ("FAILED", "; ".join(why))
    assert mill.keys(keys.checks(run, "look")) == [keys.check(run, "look", 0)]  # it is not tried again
    assert mill.keys(keys.checks(run, "after")) == []
    body = mill.mail(run, "FAILED").get_content()
    assert f"\n\nWhy\n  {'; '.join(why)}\n" in body
    assert "A resume as it was would find the same outputs and end the same way" in body
    assert f"gristmill results {run}" in body
    assert "A resume as it was would find the same outputs" in page_of(mill, name, run)
    report = reported(mill, name, run)
    assert "FAILED" in [check.verdict for check in report.checks]
    assert report.reason == "; ".join(why)
    assert outcome["warnings"] == ([WORN] if name == "both" else [])


def test_a_resume_checks_the_same_figures_again_and_computes_nothing(mill: Mill, cli: Cli, runs: dict[str, str]):
    run = runs["wet"]
    mill.finish(run)
    jobs = len(mill.jobs(run))
    answer = cli("status", run)
    assert f"FAILED {WET}\n" in answer.out
    assert f"Why: {WET}\n" in answer.out
    assert answer.out.endswith(f"What was computed is kept: gristmill results {run}\n")
    resumed = cli("resume", run)
    assert resumed.code == 1
    assert f"Why: {WET}\n" in resumed.out
    assert len(mill.jobs(run)) == jobs
    assert mill.results("checked", "wet.json", run) == ["figures.json"]


def test_a_trial_checks_figures_too(cli: Cli, tmp_path: Path):
    file = tmp_path / "wet.json"
    file.write_bytes(FAILS["both"][0])
    answer = cli("try", "checked", str(file))
    assert answer.code == 1
    assert f"  FAILED {WET}\n" in answer.out
    assert f"  WARNED {WORN}\n" in answer.out
    assert "Not tried, for they come after that: after" in answer.err
    branches = cli("try", "checked", str(file), "--json").json["branches"]
    assert [check["verdict"] for branch in branches for check in branch["checks"]] == ["FAILED", "WARNED"]
    file.write_bytes(GOOD)
    answer = cli("try", "checked", str(file))
    assert answer.code == 0
    assert "  PASSED figures: error is 0.5 (at most 1)\n" in answer.out
    shown = cli("pipelines", "show", "checked").out
    assert "sieve.noise  at least 0 and at most 0.5  warn" in shown
    assert json.loads(cli("pipelines", "show", "checked", "--json").out)["checks"][0]["otherwise"] == "fail"
