"""Nothing of a killed server lives on, not even programs that have cut themselves off from it."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from embedded_aws.lifecycle import daemon
from embedded_aws.lifecycle.processes import start_of
from embedded_aws.machine.errors import NotFound
from gristmill.client import embedded
from tests.integration.batch import Batch
from tests.integration.escaping import escaped
from tests.integration.processes import descendants, helpers, is_running
from tests.integration.test_no_leftovers import mark, started, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")


def server_with_job(data: Path, item: str) -> int:
    """Start a bare server with a job that has started its programs; return its process id."""
    server = embedded.up(data, ["--port", "0"])
    batch = Batch(server.endpoint, data)
    batch.make_queue(batch.queue, batch.environment("hosts"))
    batch.define("line")
    started(batch, item)
    return server.pid


@pytest.mark.parametrize("with_it", [[], ["keeper"], ["guard"]])
def test_a_killed_server_leaves_nothing(tmp_path: Path, with_it: list[str]):
    shown = mark()
    server = server_with_job(tmp_path, shown)
    family = helpers(server)
    for pid in [server, *(pid for name in with_it for pid in family[name])]:
        os.kill(pid, signal.SIGKILL)
    until(lambda: escaped(shown) == [], "programs of the dead server live on")


@pytest.mark.parametrize("frozen", [["keeper"], ["guard"], ["runner"], ["guard", "keeper", "runner"]])
def test_down_leaves_nothing_though_helpers_are_frozen(tmp_path: Path, frozen: list[str]):
    shown = mark()
    server = server_with_job(tmp_path, shown)
    every, family = descendants(server), helpers(server)
    for pid in [pid for name in frozen for pid in family[name]]:
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    daemon.down(tmp_path)
    assert time.monotonic() - began < 25
    until(lambda: not any(map(is_running, every)), "helpers live on")
    assert escaped(shown) == []


def test_what_outlives_the_death_of_all_ends_with_the_next_command(tmp_path: Path):
    """Server and helpers are killed at once; only a program that has cleared its environment cannot be recognised."""
    shown = mark()
    server = server_with_job(tmp_path, shown)
    family = helpers(server)
    every = [server, *(pid for name in ("guard", "keeper", "runner") for pid in family[name])]
    for pid in every:
        os.kill(pid, signal.SIGSTOP)  # so that none sees another's death
    for pid in every:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(map(start_of, every)), "they do not die")
    try:
        assert escaped(shown)
        with pytest.raises(NotFound):
            daemon.down(tmp_path)
        assert len(escaped(shown)) <= 1
    finally:
        for line in escaped(shown):
            os.kill(int(line.partition(":")[0]), signal.SIGKILL)
