"""Stop stops, and shows it; resume does what is missing, once, or says why not."""

import pytest

from gristmill import keys
from gristmill.client.runs.control import resume, stop
from gristmill.client.runs.find import Run, find_run
from gristmill.client.stack import Stack as Client
from gristmill.client.stack import open_stack
from gristmill.enums import RunStatus
from gristmill.errors import Refused
from tests.integration.mill import Mill

LINES = b"".join(b"line %d\n" % i for i in range(6))


@pytest.fixture
def client(mill: Mill) -> Client:
    return open_stack(mill.target, "gristmill")


def until_running(mill: Mill, run: str) -> None:
    def running() -> bool:
        return any(
            job["status"] not in ("SUCCEEDED", "FAILED")
            and job.get("arrayProperties", {}).get("statusSummary", {job["status"]: 1}).get("RUNNING")
            for job in mill.jobs(run)
        )

    mill._until(running, 20, f"nothing of {run} runs")


def test_stop_ends_children_that_hang_and_those_that_wait_and_proves_it(mill: Mill, client: Client, tmp_path):
    run = mill.drop("trouble", "stop.txt", b"BAD\nBAD\n" * 3, mode="hang", marks=str(tmp_path))
    until_running(mill, run)
    stopped = stop(client, find_run(client, run), "the sorcerer")
    assert stopped.proved
    assert (stopped.was, stopped.status) == (RunStatus.RUNNING, RunStatus.ABORTED)
    assert sum(job.containers for job in stopped.jobs) == 2
    assert not [job for job in mill.jobs(run) if job["status"] not in ("SUCCEEDED", "FAILED")]
    assert "stopped by the sorcerer" in mill.mail(run, "ABORTED").get_content()


def test_stop_of_a_run_that_has_ended_finds_nothing_and_changes_nothing(mill: Mill, client: Client):
    run = mill.drop("strings", "ended.txt", b"done\n")
    mill.finish(run)
    stopped = stop(client, find_run(client, run), "the sorcerer")
    assert (stopped.was, stopped.status, stopped.jobs) == (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED, [])


def stopped_run(mill: Mill, client: Client, name: str, marks: object) -> Run:
    run = mill.drop("trouble", name, LINES + b"BAD\n", mode="hang", marks=str(marks))
    until_running(mill, run)
    stop(client, find_run(client, run), "the sorcerer")
    return find_run(client, run)


def test_resume_takes_the_run_over_and_is_refused_while_it_goes_on(mill: Mill, client: Client, tmp_path):
    run = stopped_run(mill, client, "resume.txt", tmp_path)
    assert run.status is RunStatus.ABORTED
    execution = resume(client, run)
    assert execution.run == run.run
    assert execution.arn != run.execution.arn
    for seen in (run, find_run(client, run.run)):  # by somebody who looked before, and who looks now
        with pytest.raises(Refused, match="still going"):
            resume(client, seen)
    until_running(mill, run.run)
    assert find_run(client, run.run).execution.arn == execution.arn
    assert stop(client, find_run(client, run.run), "the sorcerer").proved


def test_resume_refuses_what_succeeded_and_what_was_refused(mill: Mill, client: Client):
    done = mill.drop("strings", "fine.txt", b"done\n")
    mill.finish(done)
    with pytest.raises(Refused, match="SUCCEEDED"):
        resume(client, find_run(client, done))
    wrong = mill.drop("strings", "wrong.txt", b"x\n", lines_per_task="many")
    mill.finish(wrong)
    with pytest.raises(Refused, match="drop it again") as refused:
        resume(client, find_run(client, wrong))
    assert "lines_per_task" in str(refused.value)
    assert keys.run_record(wrong) in mill.keys(keys.run_prefix(wrong))
