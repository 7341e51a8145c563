"""What `jobs`, `queues` and `hosts` print, and which request a submitted command becomes."""

import time
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from gristmill.batch.submitted import SubmittedCommand
from gristmill.cli import main
from gristmill.cli.terminal.session import Session
from gristmill.client.jobs import hosts, jobs, submit
from gristmill.client.jobs.hosts import HostLook, QueueLook
from gristmill.client.jobs.jobs import JobKind, JobLook
from gristmill.client.jobs.submit import JobRequest, request
from gristmill.client.target import Target

CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STARTED, STOPPED = CREATED.replace(second=7), CREATED.replace(minute=6, second=9)


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "stack", None)
    monkeypatch.setattr(Session, "target", Target("http://localhost:1", "us-east-1"))
    monkeypatch.setattr(jobs, "queues", lambda mill: {"cpu": "arn:cpu"})
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def a_job(job_id: str, kind: JobKind, status: str, size: int | None = None, **more) -> JobLook:
    ended = {"started": STARTED, "stopped": STOPPED} if status in ("SUCCEEDED", "FAILED") else {}
    return JobLook(
        **{"id": job_id, "name": "[bold] é", "kind": kind, "size": size, "status": status, "queue": "cpu"},
        **{"created": CREATED, "started": None, "stopped": None, "exit_code": None, "reason": "", **ended, **more},
    )


def test_jobs_are_a_table_that_marks_arrays_and_nodes(monkeypatch, capsys):
    found = [
        a_job("1", JobKind.ARRAY, "PENDING", 3),
        a_job("1:0", JobKind.CHILD, "FAILED", exit_code=7, reason="Essential container in task exited"),
        a_job("2", JobKind.MULTINODE, "RUNNABLE", 4),
        a_job("3", JobKind.SIMPLE, "SUCCEEDED", exit_code=0),
    ]
    monkeypatch.setattr(jobs, "list_jobs", lambda mill, arns, statuses, name, children: found)
    assert main.call(["jobs"]) == 0
    assert capsys.readouterr().out == (
        "JOB    NAME      STATUS     QUEUE  CREATED                   TOOK  EXIT  REASON\n"
        "1 [3]  [bold] é  PENDING    cpu    2026-01-02 03:04:05\n"
        "1:0    [bold] é  FAILED     cpu    2026-01-02 03:04:05  2 min 2 s     7  Essential container in task exited\n"
        "2 *4   [bold] é  RUNNABLE   cpu    2026-01-02 03:04:05\n"
        "3      [bold] é  SUCCEEDED  cpu    2026-01-02 03:04:05  2 min 2 s     0\n"
    )


def test_queues_and_hosts_are_tables(monkeypatch, capsys):
    queue = QueueLook("cpu", "ENABLED", "VALID", 1, ["one", "two"], {"RUNNING": 2, "RUNNABLE": 12_000, "PENDING": 0})
    host = HostLook("i-1", "c7i.large", "10.0.0.1", "ACTIVE", 1, 2, 0.5, 4096, 1024, 0)
    monkeypatch.setattr(hosts, "list_queues", lambda mill: [queue])
    monkeypatch.setattr(hosts, "list_hosts", lambda mill: [host])
    assert (main.call(["queues"]), main.call(["hosts"])) == (0, 0)
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "QUEUE  STATE    STATUS  PRIORITY  ENVIRONMENTS  JOBS",
        "cpu    ENABLED  VALID          1  one, two      2 RUNNING, 12,000 RUNNABLE",
        "HOST  TYPE       ADDRESS   STATUS  RUNNING  VCPU  FREE   MIB  FREE MIB  GPU",
        "i-1   c7i.large  10.0.0.1  ACTIVE        1     2   0.5  4096      1024    0",
    ]


def test_a_wish_becomes_a_request_for_a_plain_job_an_array_or_nodes():
    plain = request(JobRequest("a", ["true"], timeout=60, retry=3), "def", "queue", "jobs/x/")
    assert plain == {
        "jobName": "a",
        "jobQueue": "queue",
        "jobDefinition": "def",
        "parameters": {"folder": "jobs/x/"},
        "timeout": {"attemptDurationSeconds": 60},
        "retryStrategy": {"attempts": 3},
        "containerOverrides": {},
    }
    needs = {"resourceRequirements": [{"type": "VCPU", "value": "2"}, {"type": "GPU", "value": "1"}]}
    array = request(
        JobRequest("a", ["x"], array=4, vcpus=2, gpus=1, depends_on=["SEQUENTIAL", "b", "c:N_TO_N"]), "d", "q", "f"
    )
    assert (array["arrayProperties"], array["containerOverrides"]) == ({"size": 4}, needs)
    assert array["dependsOn"] == [{"type": "SEQUENTIAL"}, {"jobId": "b"}, {"jobId": "c", "type": "N_TO_N"}]
    nodes = request(JobRequest("a", ["x"], nodes=3, environment={"A": "b"}), "d", "q", "f")
    changed = {"environment": [{"name": "A", "value": "b"}]}
    assert nodes["nodeOverrides"] == {
        "numNodes": 3,
        "nodePropertyOverrides": [{"targetNodes": "0:", "containerOverrides": changed}],
    }
    assert "containerOverrides" not in nodes


def test_all_faults_of_a_wish_are_told_at_once():
    problems = submit.faults(JobRequest("a", array=1, nodes=1, timeout=1, retry=0, environment={"AWS_BATCH_A": ""}))
    assert len(problems) == 7


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", ".."])
def test_no_file_of_a_submitted_command_leaves_the_jobs_folder(name):
    with pytest.raises(ValidationError, match="is no file's name"):
        SubmittedCommand(command=["x"], files=[name])
