"""Many small runs, one after the other: the embedded AWS is afterwards what it was before."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedded_aws.lifecycle.state import STATE_FILE
from gristmill import keys
from tests.integration.mill import Mill
from tests.integration.processes import descendants

RUNS = 200
WARM_UP = 20  # runs before the first look: until caches and pools are full
KIB_A_RUN = 1000  # what the server keeps of a run: its history, jobs, logs and objects live in memory
PROC = Path("/proc")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@dataclass(frozen=True)
class Left:
    """What the server and the processes below it hold."""

    processes: int
    threads: int
    files: int
    sockets: int
    kib: int


def server(mill: Mill) -> int:
    pid: int = json.loads((mill.data / STATE_FILE).read_text())["pid"]
    return pid


def look(mill: Mill) -> Left:
    pid = server(mill)
    status = dict(line.split(":", 1) for line in (PROC / str(pid) / "status").read_text().splitlines())
    targets = [str(link.readlink()) for link in (PROC / str(pid) / "fd").iterdir() if link.is_symlink()]
    sockets = sum(target.startswith("socket:") for target in targets)
    return Left(
        len(descendants(pid)), int(status["Threads"]), len(targets) - sockets, sockets, int(status["VmRSS"].split()[0])
    )


def at_rest(mill: Mill) -> Left:
    """Look until two looks say the same of processes and threads: what has just ended may take a moment to go."""
    before = look(mill)
    for _ in range(50):
        time.sleep(0.2)
        now = look(mill)
        if (now.processes, now.threads, now.files) == (before.processes, before.threads, before.files):
            return now
        before = now
    return before


def run(mill: Mill, number: int) -> None:
    name, text = f"soak-{number}.txt", b"%d\n" % number * 20
    done = mill.drop("strings", name, text, lines_per_task="5")
    assert mill.finish(done)["status"] == "SUCCEEDED"
    assert mill.read(keys.result("strings", name, done, "reverse.txt")) == b"%s\n" % str(number)[::-1].encode() * 20


def test_many_runs_leave_nothing_behind(mill: Mill, capsys: pytest.CaptureFixture[str]):
    for number in range(WARM_UP):
        run(mill, number)
    before = at_rest(mill)
    for number in range(WARM_UP, WARM_UP + RUNS):
        run(mill, number)
    after = at_rest(mill)
    with capsys.disabled():
        sys.stdout.write(f"\nbefore {before}\nafter  {after}\n")
    assert after.processes <= before.processes
    assert after.threads <= before.threads + 2
    assert after.files <= before.files + 2
    assert after.sockets <= before.sockets + 10  # kept alive, and closed when they have been idle
    assert after.kib - before.kib <= RUNS * KIB_A_RUN
    assert not list((mill.data / "jobs").glob("[!.]*")), "folders of jobs"
    assert len(list((mill.data / "tmp").glob("[!.]*"))) <= after.processes, "temporary files of processes that are gone"
    assert len(list((mill.data / "functions").glob("*.log"))) <= after.processes, "logs of workers that are gone"
