"""Single jobs from the command line, against the deployed template: submitted, looked at, followed, ended."""

import io
import threading
from pathlib import Path
from typing import Any

import pytest

from gristmill.errors import ExitCode
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli

__all__ = ["cli"]  # the fixture


@pytest.fixture
def submitted(cli: Cli):
    def submit(*words: str) -> str:
        answer = cli("job", "submit", "--json", *words)
        assert answer.code == 0, answer.err
        return str(answer.json["job"])

    return submit


def end(cli: Cli, job: str) -> dict[str, Any]:
    """Wait for the end of a job as a user does; return what is told of it."""
    assert cli("jobs", job, "--watch").code == 0
    answer: dict[str, Any] = cli("job", "show", "--json", job).json
    return answer


def printed(cli: Cli, job: str, *more: str) -> list[str]:
    answer = cli("job", "logs", job, *more)
    assert answer.code == 0, answer.err
    return answer.out.splitlines()


def test_a_command_runs_with_its_words_untouched_and_its_exit_code_kept(cli: Cli, submitted):
    job = submitted("--name", "words", "--env", "WHO=a b", "sh", "-c", 'echo "$0|$1|$WHO"; exit 7', "x  y", "$(z)")
    received = end(cli, job)
    assert (received["status"], received["container"]["exitCode"]) == ("FAILED", 7)
    assert printed(cli, job) == ["x  y|$(z)|a b"]
    shown = cli("job", "show", job).out
    assert "kind:         simple\n" in shown
    assert "attempt 1:    exit code 7; Essential container in task exited\n" in shown
    assert "words" in shown


def test_a_script_finds_its_input_files_beside_it(cli: Cli, submitted, tmp_path: Path):
    (tmp_path / "count.sh").write_text("wc -l < lines.txt | tr -d ' '; echo \"$1\"; ls\n")  # no #!: run by sh
    (tmp_path / "lines.txt").write_text("a\nb\n")
    job = submitted("--input", "lines.txt", "--script", "count.sh", "--timeout", "60", "--retry", "2", "an argument")
    shown = end(cli, job)
    assert (shown["jobName"], shown["status"], shown["timeout"]) == (
        "count",
        "SUCCEEDED",
        {"attemptDurationSeconds": 60},
    )
    assert printed(cli, job) == ["2", "an argument", "lines.txt", "script"]


def test_a_script_comes_from_stdin(cli: Cli, submitted, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"#!/bin/sh\necho from stdin\n")))
    job = submitted()
    assert end(cli, job)["jobName"] == "stdin"
    assert printed(cli, job) == ["from stdin"]


def test_an_array_its_children_and_what_depends_on_it(cli: Cli, submitted):
    job = submitted(
        "--array", "3", "sh", "-c", "echo child $AWS_BATCH_JOB_ARRAY_INDEX; exit $AWS_BATCH_JOB_ARRAY_INDEX"
    )
    after = submitted("--depends-on", f"{job}:N_TO_N", "--array", "3", "echo", "after")
    watched = cli("jobs", job, after, "--watch", "--json")
    assert f"{job} FAILED" in watched.err
    looks = {item["id"]: item for item in watched.json}
    assert (looks[job]["kind"], looks[job]["size"], looks[job]["status"]) == ("array", 3, "FAILED")
    assert [looks[f"{job}:{index}"]["exit_code"] for index in range(3)] == [0, 1, 2]
    assert [looks[f"{after}:{index}"]["status"] for index in range(3)] == ["SUCCEEDED", "FAILED", "FAILED"]
    assert looks[f"{after}:2"]["reason"] == "Dependent Job failed"
    assert printed(cli, f"{job}:2") == ["child 2"]
    answer = cli("job", "logs", job)
    assert answer.code == ExitCode.NOT_FOUND
    assert f"Name a child: {job}:0" in answer.err
    table = cli("jobs", "--children", "--status", "failed", "--name", "sh").out
    assert f"{job} [3]" in table
    assert f"{job}:1 " in table
    assert f"{job}:0 " not in table


def test_several_nodes_run_it_at_once_and_the_main_nodes_end_is_the_jobs(cli: Cli, submitted, tmp_path: Path):
    met = tmp_path / "met"
    main = f"while [ ! -e {met} ]; do sleep 0.05; done"
    line = "echo node $AWS_BATCH_JOB_NODE_INDEX of $AWS_BATCH_JOB_NUM_NODES"
    other = f"touch {met}; exec sleep 100"
    program = f"{line}; if [ $AWS_BATCH_JOB_NODE_INDEX = 0 ]; then {main}; else {other}; fi"
    job = submitted("--nodes", "2", "sh", "-c", program)
    looks = {item["id"]: item for item in cli("jobs", job, "--watch", "--json").json}
    assert (looks[job]["kind"], looks[job]["size"], looks[job]["status"]) == ("multi-node", 2, "SUCCEEDED")
    assert looks[f"{job}#1"]["exit_code"] == 143
    assert [printed(cli, f"{job}#{index}") for index in range(2)] == [["node 0 of 2"], ["node 1 of 2"]]
    assert f"{job} *2" in cli("jobs", job).out
    assert "Name a node" in cli("job", "logs", job).err


def test_lines_are_followed_until_the_job_is_killed(cli: Cli, submitted, mill: Mill):
    job = submitted("sh", "-c", "echo begun; exec sleep 100")
    killer = threading.Timer(1.0, lambda: mill.client("batch").terminate_job(jobId=job, reason="late"))
    killer.start()
    assert printed(cli, job, "--follow") == ["begun"]
    killer.join()
    assert cli("job", "show", "--json", job).json["statusReason"] == "late"


def test_jobs_are_killed_and_say_why(cli: Cli, submitted):
    jobs = [submitted("--name", "long", "sleep", "100") for _ in range(2)]
    answer = cli("job", "kill", *jobs, "--reason", "not needed")
    assert answer.code == 0
    assert answer.out.count("it is ending") == 2
    assert {end(cli, job)["statusReason"] for job in jobs} == {"not needed"}
    assert "has FAILED already" in cli("job", "kill", jobs[0]).out


def test_queues_and_hosts_are_listed(cli: Cli, mill: Mill):
    (queue,) = [item for item in cli("queues", "--json").json if item["name"] in mill.outputs["CpuQueueArn"]]
    assert (queue["state"], queue["status"]) == ("ENABLED", "VALID")
    answer = cli("hosts", "--json")
    assert answer.code == 0, answer.err
    (host,) = answer.json
    assert (host["address"], host["status"]) == ("127.0.0.1", "ACTIVE")
    assert 0 <= host["free_vcpus"] <= host["vcpus"]
    assert cli("hosts").out.startswith("HOST")
    assert cli("queues").out.startswith("QUEUE")


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["job", "submit", "--array", "1", "true"], ExitCode.REFUSED, "--array must be 2 to 10,000"),
        (["job", "submit", "--array", "2", "--nodes", "2", "true"], ExitCode.REFUSED, "an array job has one node"),
        (["job", "submit", "--timeout", "5", "true"], ExitCode.REFUSED, "--timeout must be 60 seconds or more"),
        (["job", "submit", "--env", "AWS_BATCH_X=1", "true"], ExitCode.REFUSED, "are Batch's own"),
        (["job", "submit", "--script", "nowhere.sh"], ExitCode.FAILED, "nowhere.sh: No such file"),
        (["job", "submit", "--depends-on", "nobody", "true"], ExitCode.FAILED, "Job nobody does not exist"),
        (["job", "submit", "--queue", "x", "true"], ExitCode.NOT_FOUND, "there is no queue x"),
        (["job", "show", "nobody"], ExitCode.NOT_FOUND, "there is no job nobody"),
        (["job", "kill", "nobody"], ExitCode.NOT_FOUND, "there is no job nobody"),
        (["jobs", "--status", "lost"], ExitCode.USAGE, "LOST is no status of a job"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_submitted(cli: Cli, words, code, reason):
    answer = cli(*words)
    assert answer.code == code
    assert reason in answer.err.replace("\n", " ")


def test_a_command_that_is_not_there_fails_as_in_a_shell(cli: Cli, submitted):
    job = submitted("no-such-program-anywhere")
    assert end(cli, job)["container"]["exitCode"] == 127
    (line,) = printed(cli, job)
    assert line.startswith("no-such-program-anywhere: not found; it must be in the image (PATH is /")
