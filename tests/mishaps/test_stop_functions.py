"""Stop while a function works: it is waited for, or told; what begins after a proved stop does nothing."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gristmill import keys
from gristmill.cli import main
from gristmill.client.runs.control import resume, stop
from gristmill.client.runs.find import find_run
from gristmill.client.stack import Stack as Client
from gristmill.client.stack import open_stack
from gristmill.enums import RunStatus
from tests.integration.conftest import WRECKED, WRECKED_TIMEOUT
from tests.integration.mill import Mill
from tests.integration.processes import descendants

TEXT = b"one\ntwo\n"


@pytest.fixture(scope="module")
def client(wreck: Mill) -> Iterator[Client]:
    allow(wreck, 20)
    yield open_stack(wreck.target, "wreck")
    allow(wreck, WRECKED_TIMEOUT)


def allow(mill: Mill, seconds: int) -> None:
    """Set how long the functions may work."""
    for resource in WRECKED:
        name = mill.physical(resource)
        mill.client("lambda").update_function_configuration(FunctionName=name, Timeout=seconds)


def frozen() -> list[int]:
    """Return the processes that this test's own server has, and that are stopped."""
    return [descendant.pid for descendant in descendants(os.getpid()) if descendant.state.startswith("T")]


def thaw() -> None:
    for pid in frozen():
        os.kill(pid, signal.SIGCONT)


def until_frozen(mill: Mill, function: str, how: str) -> str:
    run = mill.drop("strings", f"{function}.{how}.txt", TEXT)
    mill._until(lambda: frozen() != [], 20, f"{function} does not freeze")
    return run


def objects(mill: Mill, run: str) -> dict[str, str]:
    """Return the ETags of all that there is of a run."""
    s3, found = mill.client("s3"), {}
    for prefix in (keys.run_prefix(run), keys.work_prefix(run), "results/"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=mill.bucket, Prefix=prefix):
            found |= {entry["Key"]: entry["ETag"] for entry in page.get("Contents", []) if run in entry["Key"]}
    return found


@pytest.mark.parametrize("function", ["split", "merge", "notify"])
def test_what_had_not_begun_when_a_stop_was_proved_does_nothing_afterwards(wreck: Mill, client: Client, function: str):
    run = until_frozen(wreck, function, "pause")
    stopped = stop(client, find_run(client, run), "miller", 20)
    assert (stopped.proved, stopped.status) == (True, RunStatus.ABORTED)
    before = objects(wreck, run)
    thaw()
    time.sleep(1)  # longer than its work would take
    assert objects(wreck, run) == before
    assert [mail["Subject"] for mail in wreck.mails(run)] == [wreck.mail(run, "ABORTED")["Subject"]]


def test_a_function_at_work_is_waited_for(wreck: Mill, client: Client):
    run = until_frozen(wreck, "merge", "freeze")
    listed: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        found = find_run(client, run)
        stopping = pool.submit(stop, client, found, "miller", 20, tell=lambda item: listed.append(item.what))
        wreck._until(lambda: "function Merge" in listed, 10, "it is not waited for")
        assert not stopping.done()
        thaw()
        stopped = stopping.result(20)
    assert stopped.proved
    assert "function Merge" in stopped.waited_for
    before = objects(wreck, run)
    time.sleep(1)
    assert objects(wreck, run) == before


def test_a_function_that_does_not_end_is_told_until_lambda_has_ended_it(
    wreck: Mill, client: Client, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GRISTMILL_HOME", str(wreck.data))
    allow(wreck, 10)  # longer than a stop of a second takes on a busy machine
    run = until_frozen(wreck, "merge", "freeze")
    allow(wreck, 20)
    command = ["--endpoint-url", wreck.endpoint, "--stack", "wreck", "stop", run]
    capsys.readouterr()
    assert main.call([*command, "--wait", "1"]) == 1
    shown = capsys.readouterr()
    assert "Waiting for function Merge" in shown.err
    (unproved,) = [line for line in shown.err.splitlines() if "may still be at work" in line]
    assert "function Merge" in unproved  # beside the notice of the end, perhaps
    assert "Nothing of it lives" not in shown.out
    assert main.call([*command, "--wait", "30"]) == 0  # the function's time is over, and its process was ended
    assert "Nothing of it lives any more" in capsys.readouterr().out
    assert frozen() == []
    assert not wreck.results("strings", "merge.freeze.txt", run)


def test_a_stop_twice_and_a_resume_afterwards(wreck: Mill, client: Client):
    run = until_frozen(wreck, "job_map", "pause")
    for _ in range(2):
        assert stop(client, find_run(client, run), "miller", 20).proved
    before = objects(wreck, run)
    assert stop(client, find_run(client, run), "miller", 20).proved
    assert objects(wreck, run) == before
    thaw()
    resumed = resume(client, find_run(client, run))
    wreck._until(lambda: frozen() != [], 20, "it does not come to JobMap again")
    thaw()
    assert wreck.end(resumed.arn)["status"] == "SUCCEEDED"
