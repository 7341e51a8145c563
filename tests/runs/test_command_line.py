"""The command line beside whole runs: their causes, what a resume does, logs, estimates, new pipelines."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gristmill import keys
from gristmill.errors import ExitCode
from gristmill.humanize import duration
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli, words

__all__ = ["cli", "words"]


def failed_run(cli: Cli, tmp_path: Path) -> str:
    (tmp_path / "bad.txt").write_bytes(b"good\nBAD\ngood\n")
    answer = cli("run", "brittle", "bad.txt", "-p", f"gate={tmp_path / 'gate'}")
    assert answer.code == ExitCode.FAILED
    return answer.out.split("run ")[1].split()[0]


@pytest.mark.parametrize("lack", ["deleted", "a file"])
def test_what_cannot_be_written_here_is_told_beside_the_end_of_the_run(mill: Mill, cli: Cli, words: Path, lack: str):
    run = mill.drop("strings", f"{lack}.txt", words.read_bytes())
    mill.finish(run)
    if lack == "deleted":
        Path("gone").mkdir()
        os.chdir("gone")
        Path("../gone").rmdir()
    else:
        Path("results").touch()
    answer = cli("watch", run)
    assert answer.out.startswith("SUCCEEDED strings/")
    assert f"  Results: s3://{mill.bucket}/{keys.results_prefix('strings', f'{lack}.txt', run)}" in answer.out
    assert "error: the run has ended SUCCEEDED, but not all of it could be written here: " in answer.err
    assert f"Get them: gristmill results {run} --download FOLDER" in answer.err
    assert answer.code == ExitCode.FAILED


def test_the_cause_is_told_and_resume_does_only_what_is_missing(cli: Cli, tmp_path: Path):
    run = failed_run(cli, tmp_path)
    answer = cli("status", run)
    assert answer.code == ExitCode.OK
    for part in (
        "FAILED brittle/bad.txt",
        "copy   copied      3     2       1        1  1 failed",
        "Why: copied: 1 of 3 tasks have no output",
        "copy/copied, task 1 (bytes ",
        " of its stage's input), attempt 1: ValueError: the grain is wet",
        f"gristmill resume {run}",
    ):
        assert part in answer.out
    assert "looking at the grain" in cli("logs", run, "--task", "1").out
    plan = cli("plan", "--resume", run, "--json").json["branches"]
    assert [(item["tasks"], item["reused"], item["todo"], item["children"]) for item in plan] == [(3, 2, 1, 1)]
    (tmp_path / "gate").touch()
    assert cli("resume", run).code == ExitCode.OK
    assert Path(f"results/{run}/copied.txt").read_bytes() == b"good\nBAD\ngood\n"
    again = cli("resume", run)
    assert again.code == ExitCode.REFUSED
    assert "nothing is missing" in again.err
    assert_times_agree(cli, run)
    cost = cli("status", run, "--json").json["cost"]["total"]
    assert cli("report", run, "--json").json["cost"]["total"] == pytest.approx(cost)
    mails = [cli("mail", "show", str(mail["number"]), "--json").json for mail in cli("mail", "list", "--json").json]
    (last,) = [mail["body"] for mail in mails if run in mail["body"] and " SUCCEEDED " in mail["subject"]]
    assert f"Cost      about ${cost:.4f} (" in last


def assert_times_agree(cli: Cli, run: str) -> None:
    """Hold what `status` and `runs` say of the times of a resumed run against its report and its mail."""
    report = cli("report", run, "--json").json
    spans = [
        tuple(datetime.fromisoformat(execution[name]) for name in ("started", "ended"))
        for execution in report["executions"]
    ]
    first, last = [(end - start).total_seconds() for start, end in spans]
    (listed,) = [item for item in cli("runs", "--json").json if item["run"] == run]
    status = cli("status", run, "--json").json
    for each in (listed, status):
        assert (each["took"], each["worked"]) == (pytest.approx(last), pytest.approx(first + last))
        moments = [datetime.fromisoformat(each[name]) for name in ("started", "last_started", "ended")]
        assert moments == [spans[0][0], spans[1][0], spans[1][1]]
    facts = cli("status", run).out.partition("\n\n")[0].splitlines()[1:]
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in facts}
    assert lines["Resumed"].startswith("once, last ")
    took, both = (duration(timedelta(seconds=seconds)) for seconds in (last, first + last))
    assert lines["Took"] == f"{took}, all 2 executions {both}"
    assert cli("report", run, "--download", ".").code == ExitCode.OK
    page = Path(run, "report.html").read_text()
    assert f"<dt>Took</dt><dd>{took}</dd><span>the last of 2 executions</span>" in page


def test_logs_come_from_every_child_and_say_which(cli: Cli, tmp_path: Path):
    run = failed_run(cli, tmp_path)
    lines = cli("logs", run).out.splitlines()
    assert {line.split()[1] for line in lines} == {"copied[0]", "copied[1]"}
    assert sorted(cli("logs", run, "--follow").out.splitlines()) == sorted(lines)
    one_a_line = [json.loads(line) for line in cli("logs", run, "--follow", "--json").out.splitlines()]
    assert sorted(one_a_line, key=str) == sorted(cli("logs", run, "--json").json, key=str)
    assert cli("logs", run, "--branch", "none").code == ExitCode.NOT_FOUND


def test_plan_and_run_agree_on_the_estimate_and_on_the_ceiling(cli: Cli, words: Path):
    planned = cli("plan", "strings", str(words), "--json").json["estimate"]
    run = cli("run", "strings", str(words), "--json").json
    assert run["estimate"] == planned["total"]
    assert run["cost"]["total"] < 0.01
    assert f"Cost        about ${run['cost']['total']:.4f} (estimated $" in cli("status", run["run"]).out
    refused = cli("plan", "strings", str(words), "-p", "max_cost=0.0001")
    assert refused.code == ExitCode.REFUSED
    assert "its ceiling is $0.0001" in refused.err


def test_a_new_pipeline_runs_at_once(cli: Cli, mill: Mill):
    answer = cli("new", "begun", "--into", str(mill.data / "pipelines"), "--json").json
    assert not any(command.startswith("export") for command in answer["next"])
    sample = f"{answer['folder']}/sample.txt"
    tried = cli("try", "begun", sample, "--json", "--results", "there")
    ended = cli("run", "begun", sample, "-p", "lines_per_task=2", "--results", "here", "--json")
    assert (tried.code, ended.code) == (ExitCode.OK, ExitCode.OK)
    folder = Path("here", ended.json["run"])
    for name in ("measured.tsv", "summary.json"):
        assert (folder / name).read_bytes() == Path("there", "try", name).read_bytes()


def test_pipelines_made_after_the_server_came_up_are_run(mill: Mill, cli: Cli, monkeypatch):
    assert cli("new", "afterwards", "--into", "of-mine").code == ExitCode.OK
    monkeypatch.setenv("GRISTMILL_PIPELINES", "of-mine")
    assert cli("run", "afterwards", "of-mine/afterwards/sample.txt").code == ExitCode.OK
    monkeypatch.setenv("GRISTMILL_PIPELINES", "")
    assert cli("run", "afterwards", "of-mine/afterwards/sample.txt", "--no-check").code == ExitCode.OK
