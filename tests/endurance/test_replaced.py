"""What dies of the embedded AWS is replaced, and its work is tried again: a run never fails by it."""

import os
import shutil
import signal
import sys
import threading
from pathlib import Path

import pytest

from embedded_aws.lifecycle import daemon
from embedded_aws.lifecycle.state import STATE_FILE
from embedded_aws.machine.marker import make_marked
from embedded_aws.machine.search_path import SEARCH_FILE
from gristmill import keys
from tests.integration.mill import Mill
from tests.integration.processes import helpers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="helpers are found by Linux's lists of processes")
HELPERS = ["guard", "keeper", "runner", "zygote of jobs", "zygote of workers", "runner of workers", "worker"]


@pytest.fixture(scope="module")
def server(mill: Mill) -> int:
    found = daemon.find(mill.data)
    assert found is not None
    return found.pid


def kill(server: int, name: str) -> int:
    """Kill all helpers of a kind; return how many there were."""
    found = helpers(server)[name]
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    return len(found)


def succeeds(mill: Mill, name: str, text: str) -> None:
    """Drop a file; its run ends well with the right results."""
    run = mill.drop("strings", name, text.encode())
    assert mill.finish(run, 120)["status"] == "SUCCEEDED"
    repeated = "".join(line * 2 + "\n" for line in text.split())
    assert mill.read(keys.results_prefix("strings", name, run) + "repeat.txt").decode() == repeated


@pytest.mark.parametrize("name", HELPERS)
def test_a_run_succeeds_after_any_helper_was_killed_again_and_again(mill: Mill, server: int, name: str):
    for number in range(2):
        succeeds(mill, f"{number}-{name.replace(' ', '-')}.txt", "a\nbc\n")
        assert kill(server, name)
    succeeds(mill, f"after-{name.replace(' ', '-')}.txt", "a\nbc\n")


@pytest.mark.parametrize("name", [*HELPERS, "runner of jobs"])
def test_a_run_succeeds_while_helpers_are_killed(mill: Mill, server: int, tmp_path: Path, name: str):
    marks, file = tmp_path / "marks", f"during-{name.replace(' ', '-')}.txt"
    marks.mkdir()
    run = mill.drop("gated", file, b"a\nWAIT\n", marks=str(marks))
    mill._until(lambda: any(marks.glob("WAIT*")), 60, "nothing runs")
    kill(server, name)
    marks.with_suffix(".open").touch()
    assert mill.finish(run, 120)["status"] == "SUCCEEDED"
    assert mill.read(keys.results_prefix("gated", file, run) + "copied.txt") == b"a\nWAIT\n"


def test_runs_succeed_in_a_storm(mill: Mill, server: int):
    """Every half second all helpers of one kind are killed, in turn."""
    over = threading.Event()

    def storm() -> None:
        for name in [*HELPERS, "runner of jobs"]:
            kill(server, name)
            if over.wait(0.5):
                return

    thread = threading.Thread(target=storm)
    thread.start()
    try:
        for number in range(3):
            succeeds(mill, f"storm-{number}.txt", "a\nbc\n")
    finally:
        over.set()
        thread.join()


def test_a_run_succeeds_after_and_while_the_data_folder_is_deleted(mill: Mill, tmp_path: Path):
    """The functions' zygote and workers have their code there, and the server works there."""
    succeeds(mill, "before.txt", "a\nbc\n")
    delete(mill.data)
    succeeds(mill, "after.txt", "a\nbc\n")
    marks = tmp_path / "marks"
    marks.mkdir()
    run = mill.drop("gated", "deleted.txt", b"a\nWAIT\n", marks=str(marks))
    mill._until(lambda: any(marks.glob("WAIT*")), 60, "nothing runs")
    delete(mill.data)
    marks.with_suffix(".open").touch()
    assert mill.finish(run, 120)["status"] == "SUCCEEDED"
    assert mill.read(keys.results_prefix("gated", "deleted.txt", run) + "copied.txt") == b"a\nWAIT\n"
    mill.mail(run, "SUCCEEDED")


def delete(data: Path) -> None:
    """Delete the data folder, and put back what clients find the server and its pipelines by."""
    kept = {name: (data / name).read_text() for name in (STATE_FILE, SEARCH_FILE)}
    shutil.rmtree(data)
    make_marked(data)
    for name, text in kept.items():
        (data / name).touch(mode=0o600)
        (data / name).write_text(text)
