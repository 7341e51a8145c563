"""The command line against the deployed template: what it prints, where, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gristmill import keys
from gristmill.cli.main import call
from gristmill.errors import ExitCode
from tests.integration.mill import Mill


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Said]


@pytest.fixture
def cli(mill: Mill, monkeypatch, tmp_path, capsys) -> Cli:
    """Call the command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    def called(*words: str) -> Said:
        capsys.readouterr()
        code = call(words)
        printed = capsys.readouterr()
        return Said(code, printed.out, printed.err)

    return called


@pytest.fixture
def words(tmp_path: Path) -> Path:
    file = tmp_path / "words.txt"
    file.write_bytes(b"grist\n\nm\xc3\xbchle\n" * 40)
    return file


def test_run_shows_progress_and_ends_with_the_places_of_the_results(mill: Mill, cli: Cli, words: Path):
    answer = cli("run", "strings", str(words), "-p", "lines_per_task=30")
    assert answer.code == ExitCode.OK
    assert answer.err.startswith(f"local ({mill.endpoint})\n")
    assert "map/repeat: 4 of 4 tasks" in answer.err
    headline, where, *places, cost, report = answer.out.splitlines()
    assert re.fullmatch(r"  Cost: about \$0\.00\d\d \(estimated \$0\.0\d+\) on AWS; free here", cost)
    run = headline.rsplit(" ", 1)[1]
    assert headline.startswith("SUCCEEDED strings/words.txt in ")
    assert where == f"  Results: s3://{mill.bucket}/{keys.results_prefix('strings', 'words.txt', run)}"
    assert places == [f"    ./results/{run}/repeat.txt (1.0 kB)", f"    ./results/{run}/reverse.txt (560 bytes)"]
    assert report == f"  Report: ./results/{run}/report.html"
    assert Path(f"results/{run}/report.html").read_text().startswith("<!doctype html>")
    assert Path(f"results/{run}/reverse.txt").read_bytes() == "tsirg\n\nelhüm\n".encode() * 40


@pytest.mark.parametrize("name", ["SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"])
def test_settings_for_tls_do_not_reach_the_embedded_aws(cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv(name, "/no/where")
    assert cli("runs").code == ExitCode.OK
    assert os.environ[name] == "/no/where"


def test_json_is_all_there_is_on_stdout(cli: Cli, words: Path):
    answer = cli("run", "strings", str(words), "--json").json
    assert answer["status"] == "SUCCEEDED"
    assert answer["cause"] is None
    assert [Path(result["file"]).is_file() for result in answer["results"]] == [True, True]
    run = answer["run"]
    assert cli("status", run, "--json").json["stages"][0]["branches"][0]["done"] == 1
    assert cli("results", run[:10], "--json").json["results"][0]["key"].endswith("repeat.txt")
    assert run in [item["run"] for item in cli("runs", "--json").json]
    assert any(run in item["body"] for item in cli("mail", "list", "--json").json)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["strngs", "words.txt"], "; did you mean strings?"),
        (["strings", "words.txt", "-p", "lines_per_task=many"], "'many' is not a whole number"),
        (["strings", "empty.txt"], "the file is empty"),
        (["strings", "words.txt", "--name", "a.part"], "a temporary name"),
        (["strings", "words.txt", "-p", "lines_per_task=٣"], "'٣' is not a whole number"),
    ],
)
def test_what_would_be_refused_is_refused_before_it_travels(mill: Mill, cli: Cli, words: Path, more, reason):
    Path("empty.txt").touch()
    before = mill.keys(keys.INPUTS)
    answer = cli("run", *more)
    assert answer.code == ExitCode.REFUSED
    (line,) = answer.err.splitlines()[1:]
    assert line.startswith("error: ")
    assert reason in line
    assert line.endswith("Nothing was uploaded.")
    assert mill.keys(keys.INPUTS) == before


def test_a_refusal_by_the_stack_itself_ends_the_same_way(cli: Cli, words: Path):
    answer = cli("run", "strings", str(words), "-p", "lines_per_task=0", "--no-check")
    assert answer.code == ExitCode.REFUSED
    assert "0 is below the minimum 1" in answer.out
    assert answer.out.endswith("Mend this, and drop the file again.\n")


def hanging_run(mill: Mill, cli: Cli, tmp_path: Path) -> str:
    (tmp_path / "marks").mkdir()
    (tmp_path / "hang.txt").write_bytes(b"WAIT\n" * 3)
    answer = cli("run", "gated", "hang.txt", "-p", f"marks={tmp_path / 'marks'}", "--no-watch", "--json")
    run: str = answer.json["run"]
    mill._until(lambda: len(list((tmp_path / "marks").iterdir())) == 2, 20, f"not both children of {run} run")
    return run


def test_stop_ends_a_run_and_shows_it(mill: Mill, cli: Cli, tmp_path: Path):
    run = hanging_run(mill, cli, tmp_path)
    assert "2 running" in cli("status", run).out
    assert cli("status", run, "--json").json["phase"] == ""
    answer = cli("stop", run)
    assert answer.code == ExitCode.OK
    assert answer.out.startswith(f"Run {run} was RUNNING, and is ABORTED.\n")
    assert "Nothing of it lives any more: 1 jobs with 2 containers ended" in answer.out
    watched = cli("watch", run)
    assert watched.code == ExitCode.STOPPED
    assert "stopped by" in watched.out


def test_ctrl_c_ends_the_watching_and_not_the_run(mill: Mill, cli: Cli, tmp_path: Path):
    run = hanging_run(mill, cli, tmp_path)
    command = [sys.executable, "-m", "gristmill.cli.main", "watch", run]
    environment = {**os.environ, "GRISTMILL_HOME": str(mill.data)}
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # where the tests run in the background, a shell may have them ignore Ctrl-C, and their children with them
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as watching:
        assert watching.stderr is not None
        while "tasks" not in watching.stderr.readline():
            time.sleep(0.01)
        watching.send_signal(signal.SIGINT)
        _, err = watching.communicate(timeout=20)
    assert watching.returncode == ExitCode.INTERRUPTED
    assert f"The run goes on. Follow it with: gristmill watch {run}" in err
    assert cli("status", run, "--json").json["status"] == "RUNNING"
    assert cli("stop", run).code == ExitCode.OK


def test_a_plan_counts_as_the_run_will(cli: Cli, words: Path):
    plan = cli("plan", "strings", str(words), "-p", "lines_per_task=7")
    assert plan.code == ExitCode.OK
    shown, cost = plan.out.rsplit("Cost: ", 1)
    assert re.match(r"about \$0\.\d{4} estimated, most of it for Batch vCPU-hours", cost)
    assert shown == (
        "strings/words.txt (560 bytes) with lines_per_task=7\n"
        "STAGE  BRANCH   CHUNKS  REUSED  TO DO  JOBS  CHILDREN  DECIDED BY         EACH CHILD         TIMEOUT\n"
        "map    repeat       18       0     18     1         4  what runs at once  1 vCPU, 1,024 MiB  5 h 5 min\n"
        "map    reverse      18       0     18     1         4  what runs at once  1 vCPU, 1,024 MiB  5 h 5 min\n"
    )
    later = cli("plan", "words", str(words), "--json").json["branches"]
    assert [item["tasks"] for item in later] == [2, None]
    answer = cli("plan", "words", str(words)).out.splitlines()
    assert answer[-2] == "? count: cut from the output of upper, known once stage shout is done."


def test_a_plan_knows_the_tasks_of_later_stages_where_they_follow_from_the_first(cli: Cli, tmp_path: Path):
    (tmp_path / "t.csv").write_text("name,count\n" + "anna,1\n" * 10)
    planned = cli("plan", "table", "t.csv", "--json").json["branches"]
    counts = {stage["stage"]: (stage["tasks"], stage["children"]) for stage in planned}
    assert {name: tasks for name, (tasks, _) in counts.items()} == {
        "rows": 5,
        "total-merge": 1,
        "plan": 1,
        "items": None,
        "again": 5,
        "bind": 1,
    }
    assert all(children for tasks, children in counts.values() if tasks)
    shown = cli("plan", "table", "t.csv").out
    assert "\n? items: one task per item of listed, known once stage plan is done.\n" in shown


def test_subscriptions_filter_what_is_mailed(mill: Mill, cli: Cli, words: Path):
    assert cli("subscribe", "ann@mill.example", "--pipeline", "brittle", "--on", "success").code == ExitCode.OK
    assert cli("subscribe", "bob@mill.example", "--pipeline", "strings").code == ExitCode.OK
    answer = cli("subscribe", "bob@mill.example", "--pipeline", "strings", "--on", "success")
    assert answer.out == "bob@mill.example gets mail of runs of strings that end in success.\n"
    run = cli("run", "strings", str(words), "--json").json["run"]
    assert {"bob@mill.example"} == {mail["To"] for mail in mill.mails(run)} - {"you@laptop.example"}
    assert "ann@mill.example    brittle    success  yes\n" in cli("subscriptions").out
    for email in ("ann@mill.example", "bob@mill.example"):
        assert cli("unsubscribe", email).code == ExitCode.OK
    assert cli("unsubscribe", "ann@mill.example").code == ExitCode.NOT_FOUND
    assert cli("subscribe", "not an address").code == ExitCode.REFUSED


def test_errors_are_one_line_and_their_trace_comes_on_demand(cli: Cli):
    answer = cli("status", "deadbeef")
    assert answer.code == ExitCode.NOT_FOUND
    assert answer.err.splitlines()[1:] == ["error: there is no run deadbeef. See which there are with: gristmill runs"]
    assert "Traceback" in cli("--verbose", "status", "deadbeef").err
    assert cli("status", "no-id").code == ExitCode.NOT_FOUND
    assert cli("--stack", "other", "runs").code == ExitCode.UNREACHABLE
    assert cli("--endpoint-url", "http://localhost:1", "runs").code == ExitCode.UNREACHABLE
    assert cli("stop").code == ExitCode.USAGE


def test_mail_is_shown_by_run(cli: Cli, words: Path):
    run = cli("run", "strings", str(words), "--name", "[odd] name.txt", "--json").json["run"]
    shown = cli("mail", "show", run[:8])
    assert "Subject: [gristmill] SUCCEEDED strings/[odd] name.txt in " in shown.out
    assert "[gristmill] SUCCEEDED strings/[odd] name.txt in " in cli("mail").out
    assert cli("mail", "show", "99999").code == ExitCode.NOT_FOUND


def test_status_tells_why_children_wait(mill: Mill, cli: Cli, words: Path):
    run = cli("run", "huge", str(words), "--no-watch", "--json").json["run"]

    def waits() -> list[str]:
        stages = cli("status", run, "--json").json["stages"] if mill.jobs(run) else []
        return [reason for stage in stages for branch in stage["branches"] for reason in branch["waits"]]

    mill._until(waits, 20, f"{run} tells no reason")
    answer = cli("status", run).out
    assert "2 waiting (MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT" in answer
    assert "copy/copied waits: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT" in answer
    assert cli("stop", run).code == ExitCode.OK
