"""No program outlives what has started it, whatever session or process group it puts itself into."""

import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration import escaping
from tests.integration.batch import Batch
from tests.integration.escaping import escaped

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")
ESCAPING = Path(escaping.__file__)
LIVING = len(escaping.WAYS) + 1  # a loop and what it runs
SOON = 10  # seconds

PIPELINE = """
version: 1
name: {name}
description: Tasks that leave programs behind.
stages:
  - name: map
    split: {{records: lines, records_per_task: 1}}
    branches:
      - name: inside
        run: jobs:leave
        attempts: 1
      - name: outside
        command: [python, "{{pipeline}}/escaping.py", "{{input}}", "{{output}}"]
        attempts: 1
      - name: scripted
        script: |
          python {escaping} $(cat "$INPUT")
          while pgrep -f "600.$(cat "$INPUT")" > /dev/null && [ ! -e "$OUTPUT" ]; do cp "$INPUT" "$OUTPUT"; done
        attempts: 1
"""
JOBS = """
import sys
sys.path.insert(0, {folder!r})
import escaping
def leave(source, sink, parameters):
    mark = source.read()
    escaping.escape(mark.decode().strip())
    sink.write(mark)
"""


def mark() -> str:
    return str(uuid.uuid4().int)[:15]


def until(holds: Callable[[], object], problem: str, seconds: float = SOON) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, problem
        time.sleep(0.02)


def escaping_job(one: str, then: str) -> str:
    return f"{sys.executable} {ESCAPING} {one}; echo escaped $$; {then}"


def started(batch: Batch, one: str) -> str:
    """Submit a job that waits with all its programs; return it."""
    job = batch.run(escaping_job(one, "sleep 60"))
    until(lambda: len(escaped(one)) == LIVING, "the programs are not started", 20)
    return job


@pytest.mark.parametrize(("then", "status"), [("true", "SUCCEEDED"), ("exit 3", "FAILED"), ("kill -9 $$", "FAILED")])
def test_a_job_that_ends_leaves_nothing(batch: Batch, then: str, status: str):
    one = mark()
    assert batch.end(batch.run(escaping_job(one, then)))["status"] == status
    assert escaped(one) == []  # at once: the end is told when nothing is left


def test_a_module_that_is_forked_leaves_nothing(batch: Batch):
    one = mark()
    job = batch.submit("line", containerOverrides={"command": ["python", "-m", "tests.integration.escaping", one]})
    assert batch.end(job)["status"] == "SUCCEEDED"
    assert escaped(one) == []


def test_a_job_that_is_terminated_leaves_nothing(batch: Batch):
    one = mark()
    job = started(batch, one)
    batch.api.terminate_job(jobId=job, reason="enough")
    assert batch.end(job)["status"] == "FAILED"
    assert escaped(one) == []
