"""No program outlives what has started it, whatever session or process group it puts itself into."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded_aws.lifecycle.state import read_state
from tests.integration import escaping
from tests.integration.batch import Batch
from tests.integration.escaping import escaped
from tests.integration.mill import Mill
from tests.integration.processes import below, helpers
from tests.integration.test_functions import Function

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")
ESCAPING = Path(escaping.__file__)
LIVING = len(escaping.WAYS) + 1  # a loop and what it runs
SOON = 10  # seconds

JOBS = f"""
import sys, time
sys.path.insert(0, {str(ESCAPING.parent)!r})
import escaping

def leave(source, sink, parameters):
    mark = source.read()
    if mark == b"hold\\n":
        time.sleep(60)
    escaping.escape(mark.decode().strip())
    sink.write(mark)
"""
BRANCHES = {
    "run": {"run": "jobs:leave"},
    "command": {"command": ["sh", "-c", f"{sys.executable} {ESCAPING} $(cat {{input}}); cp {{input}} {{output}}"]},
    "script": {"script": f'{sys.executable} {ESCAPING} $(cat "$INPUT")\ncp "$INPUT" "$OUTPUT"'},
}
FUNCTION = f"""
import os, sys, time
sys.path.insert(0, {str(ESCAPING.parent)!r})
import escaping

def handler(event, context):
    escaping.escape(event["mark"])
    if event["then"] == "exit":
        os._exit(1)
    time.sleep(60 if event["then"] == "sleep" else 0)
"""


def mark() -> str:
    return str(uuid.uuid4().int)[:15]


def until(holds: Callable[[], object], problem: str, seconds: float = SOON) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, problem
        time.sleep(0.02)


def escaping_job(item: str, then: str) -> str:
    return f"{sys.executable} {ESCAPING} {item}; echo escaped $$; {then}"


def started(batch: Batch, item: str) -> str:
    """Submit a job that waits with all its programs; return it."""
    job = batch.run(escaping_job(item, "sleep 60"))
    until(lambda: len(escaped(item)) == LIVING, "the programs are not started", 20)
    return job


@pytest.mark.parametrize(("then", "status"), [("true", "SUCCEEDED"), ("exit 3", "FAILED"), ("kill -9 $$", "FAILED")])
def test_a_job_that_ends_leaves_nothing(batch: Batch, then: str, status: str):
    shown = mark()
    assert batch.end(batch.run(escaping_job(shown, then)))["status"] == status
    assert escaped(shown) == []  # at once: the end is told when nothing is left


def test_a_module_that_is_forked_leaves_nothing(batch: Batch):
    shown = mark()
    job = batch.submit("line", containerOverrides={"command": ["python", "-m", "tests.integration.escaping", shown]})
    assert batch.end(job)["status"] == "SUCCEEDED"
    assert escaped(shown) == []


def test_a_job_that_is_terminated_leaves_nothing(batch: Batch):
    shown = mark()
    job = started(batch, shown)
    batch.api.terminate_job(jobId=job, reason="enough")
    assert batch.end(job)["status"] == "FAILED"
    assert escaped(shown) == []


@pytest.fixture(scope="module")
def leaving(mill: Mill) -> None:
    """Make a pipeline of one branch for each kind of job."""
    folder = mill.data / "pipelines" / "leaving"
    folder.mkdir(parents=True)
    (folder / "jobs.py").write_text(JOBS)
    branches = [{"name": name, "attempts": 1, **job} for name, job in BRANCHES.items()]
    stage = {"name": "map", "split": {"records": "lines", "records_per_task": 1}, "branches": branches}
    pipeline = {"version": 1, "name": "leaving", "description": "Leaves programs behind.", "stages": [stage]}
    (folder / "pipeline.yaml").write_text(json.dumps(pipeline))


@pytest.mark.usefixtures("leaving")
def test_a_run_of_every_kind_of_job_leaves_nothing(mill: Mill):
    shown = mark()
    run = mill.drop("leaving", "left.txt", f"{shown}\n".encode() * 2)
    assert mill.finish(run)["status"] == "SUCCEEDED"
    assert escaped(shown) == []


@pytest.mark.parametrize(("then", "kind"), [("exit", "Runtime.ExitError"), ("sleep", "Sandbox.Timedout")])
def test_a_worker_that_ends_leaves_nothing(mill: Mill, then: str, kind: str):
    shown, function = mark(), Function(mill, FUNCTION)
    assert function.error({"mark": shown, "then": then})["errorType"] == kind
    assert escaped(shown) == []


def test_what_a_handler_has_started_lives_as_long_as_its_worker(mill: Mill):
    shown, function = mark(), Function(mill, FUNCTION)
    function.result({"mark": shown, "then": "return"})
    until(lambda: len(escaped(shown)) == LIVING, "the programs have not come")
    function.client.update_function_configuration(FunctionName=function.name, MemorySize=256)
    function.result({"mark": shown[::-1], "then": "return"})
    until(lambda: escaped(shown) == [], "the old worker's programs live on")
    function.client.delete_function(FunctionName=function.name)
    until(lambda: escaped(shown[::-1]) == [], "the programs of a deleted function live on")


@pytest.mark.usefixtures("leaving")
@pytest.mark.parametrize("killed", ["nobody", "guard", "worker"])
def test_a_trial_leaves_nothing(tmp_path: Path, killed: str):
    shown = mark()
    (tmp_path / "left.txt").write_text(f"{shown}\n" + ("hold\n" if killed != "nobody" else ""))
    words = [sys.executable, "-m", "gristmill.cli.main", "try", "leaving", str(tmp_path / "left.txt")]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as trial:
        if killed != "nobody":
            until(lambda: len(escaped(shown)) >= 1, "no program has come", 20)
            (worker,) = below(trial.pid)
            os.kill(trial.pid if killed == "guard" else worker.pid, signal.SIGKILL)
        assert (trial.wait(30) == 0) is (killed == "nobody")
    until(lambda: escaped(shown) == [], "programs of the trial live on")


@pytest.mark.parametrize(
    ("which", "number"),
    [
        *((item, signal.SIGKILL) for item in (["guard"], ["keeper"], ["runner"])),
        *((item, signal.SIGSTOP) for item in (["guard"], ["keeper"], ["guard", "keeper", "runner"])),
    ],
)
def test_what_a_dead_or_frozen_helper_had_started_ends_and_it_is_replaced(
    batch: Batch, which: list[str], number: signal.Signals
):
    shown = mark()
    job = started(batch, shown)
    family = helpers(batch.pid)
    for pid in [pid for name in which for pid in family[name]]:
        with contextlib.suppress(ProcessLookupError):  # it has ended with the one before it
            os.kill(pid, number)
    ended = batch.end(job)
    assert ended["attempts"][-1]["statusReason"].startswith("Host EC2 (instance i-")
    assert escaped(shown) == []
    assert batch.end(batch.run("true"))["status"] == "SUCCEEDED"


def test_a_job_that_freezes_its_runner_is_lost_and_leaves_nothing(batch: Batch):
    shown = mark()
    ended = batch.end(batch.run(escaping_job(shown, "kill -STOP $PPID; sleep 60")))
    assert ended["attempts"][-1]["statusReason"].startswith("Host EC2 (instance i-")
    assert escaped(shown) == []


def test_a_frozen_zygote_counts_as_dead(batch: Batch):
    job = batch.submit("line", containerOverrides={"command": ["python", "-m", "http.server", "0"]})
    batch.until(job, "RUNNING")
    until(lambda: helpers(batch.pid)["job"], "the module does not run")
    for pid in helpers(batch.pid)["zygote of jobs"]:
        os.kill(pid, signal.SIGSTOP)
    assert batch.end(job)["attempts"][-1]["statusReason"].startswith("Host EC2 (instance i-")
    assert helpers(batch.pid)["job"] == []


def test_a_function_whose_runner_is_frozen_answers(mill: Mill):
    function = Function(mill, "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 1\n")
    function.result(0)
    server = read_state(mill.data)
    assert server is not None
    for pid in helpers(server.pid)["runner of workers"]:
        os.kill(pid, signal.SIGSTOP)
    assert function.result(0) == 1
