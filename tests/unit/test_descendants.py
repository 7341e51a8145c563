"""Which processes end with another, and how often an invocation is tried: without any server."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from embedded_aws.processes import helper
from embedded_aws.processes.keeper import Keeper
from embedded_aws.processes.scratch import end_users
from embedded_aws.services.awslambda import later
from tests.integration.processes import below, running

# adopts orphans, has a process that is to be spared, a worker of its own group and daemons; says which live in the end
PARENT = """
import os, subprocess, time
from process_tree.descendants import adopt_orphans, already_there, end_descendants, end_detached, living
adopt_orphans()
before = subprocess.Popen(["sleep", "60"], start_new_session=True)
spared = already_there()
worker = subprocess.Popen(["sleep", "60"])
subprocess.run(["sh", "-c", "setsid sleep 60 & setsid sh -c 'setsid sleep 60 & sleep 60' &"], check=True)
time.sleep(0.2)
END
children = {process for process, parent, _ in living() if parent == os.getpid()}
print(before.pid in children, worker.pid in children, len(children - {before.pid, worker.pid}))
end_descendants()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")
@pytest.mark.parametrize(
    ("end", "left"),
    [
        ("end_detached(spared)", "True True 0"),
        ("end_descendants(spared)", "True False 0"),
        ("end_descendants()", "False False 0"),
    ],
)
def test_what_ends_and_what_is_spared(end: str, left: str):
    words = [sys.executable, "-c", PARENT.replace("END", end)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, start_new_session=True)
    assert done.stdout.strip() == left


# what flees: a process whose main thread has ended, one below it, and some that fork and exit faster than `ps` looks
FLEEING = """
import ctypes, os, sys, threading, time
from process_tree.descendants import adopt_orphans, end_descendants
NUMBER = {"x86_64": 60, "aarch64": 93}[os.uname().machine]  # of exit(2), which ends a thread

def beat():
    while True:
        os.write(write, b".")
        time.sleep(0.01)

def end_main_thread(target):
    threading.Thread(target=target).start()
    time.sleep(0.1)
    ctypes.CDLL(None).syscall(NUMBER, 0)

def threads():
    end_main_thread(beat)

def below():
    end_main_thread(lambda: beat() if os.fork() == 0 else time.sleep(60))

def hops():
    for _ in range(6):
        if os.fork() == 0:
            while os.fork() == 0:
                os.setsid()
                os.write(write, b".")
            os._exit(0)

adopt_orphans()
read, write = os.pipe()
os.set_blocking(write, False)
if os.fork() == 0:
    os.setsid()
    WAY()
    os._exit(0)
os.read(read, 1)
time.sleep(0.3)
print(end_descendants())
os.set_blocking(read, False)
while os.read(read, 1_000_000) == b"." * 1_000_000:
    pass
time.sleep(0.2)
try:
    print(len(os.read(read, 10)))
except BlockingIOError:
    print("nothing lives")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")
@pytest.mark.parametrize("way", ["threads", "below", "hops"])
def test_what_flees_ends(way: str):
    words = [sys.executable, "-c", FLEEING.replace("WAY", way)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, start_new_session=True, timeout=60)
    assert done.stdout.splitlines() == ["[]", "nothing lives"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the variables of a process")
def test_a_process_whose_main_thread_has_ended_is_known_by_its_variables(tmp_path: Path):
    code = FLEEING.partition("adopt_orphans()\n")[0] + "write = 1\nthreads()"
    environment = {**os.environ, "TMPDIR": f"{tmp_path}/one"}
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, env=environment) as process:
        until(lambda: ") Z" in Path(f"/proc/{process.pid}/stat").read_text())
        end_users(tmp_path)
        assert process.wait(10) == -signal.SIGKILL


# notes a process of its own and a command for its end, and tells of its helpers before it is killed
SERVER = """
import subprocess, sys, time
from embedded_aws.processes.keeper import keeper
keeper().sweep_with(["touch", sys.argv[1]])
process = subprocess.Popen(["sleep", "60"], start_new_session=True)
keeper().add(process.pid)
print(process.pid, keeper()._living()._guard.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("is_replaced", [False, True])
def test_what_a_killed_server_noted_is_done_though_its_helpers_were_killed_before(tmp_path: Path, is_replaced: bool):
    swept = tmp_path / "swept"
    words = [sys.executable, "-c", SERVER, str(swept)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        noted, guard = map(int, server.stdout.readline().split())
        if is_replaced:
            os.kill(guard, signal.SIGKILL)
            until(lambda: guard not in [process.pid for process in below(server.pid)] and len(below(server.pid)) == 2)
        server.kill()
    until(swept.exists)
    until(lambda: noted not in [process.pid for process in running()])


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def failing(errors: list[str | None]) -> Callable[[], dict[str, Any] | None]:
    shown = iter(errors)

    def attempt() -> dict[str, Any] | None:
        error = next(shown)
        return None if error is None else {"errorType": error, "errorMessage": "so"}

    return attempt


@pytest.mark.parametrize(
    ("errors", "waits", "buried"),
    [
        ([None], [], False),
        (["KeyError", None], [1.0], False),
        (["KeyError"] * 3, [1.0, 2.0], True),
        (["ServiceException", "KeyError", "TooManyRequestsException", "KeyError", None], [0.5, 1.0, 1.0, 2.0], False),
    ],
)
def test_what_is_no_fault_of_the_function_costs_it_no_try(
    monkeypatch: pytest.MonkeyPatch, errors: list[str | None], waits: list[float], buried: bool
):
    waited: list[float] = []
    graves: list[object] = []
    monkeypatch.setattr(later, "time", SimpleNamespace(sleep=waited.append))
    monkeypatch.setattr(later, "_bury", lambda *item: graves.append(item))
    later.invoke(SimpleNamespace(), SimpleNamespace(), {}, failing(errors))  # type: ignore[arg-type]
    assert (waited, bool(graves)) == (waits, buried)


# traces its runner from a session of its own: nobody else is told that this stands still
TRACING = """
import ctypes, os, time
runner, libc = os.getppid(), ctypes.CDLL(None)
if os.fork() == 0:
    os.setsid()
    refused = libc.ptrace(0x4206, runner, 0, 0) or libc.ptrace(0x4207, runner, 0, 0)  # SEIZE, INTERRUPT
    os.write(1, b"refused" if refused else b"traced")
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux traces so")
def test_a_runner_that_is_kept_from_its_work_ends_with_what_it_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(helper, "_GRACE", 0.5)
    own = Keeper()
    read, write = os.pipe()
    process = own.execute([sys.executable, "-c", TRACING], dict(os.environ), Path("/"), write)
    os.close(write)
    assert os.read(read, 100) in (b"traced", b"refused")  # some systems let nobody trace what it is below
    process.signal_all(signal.SIGKILL)
    process.wait()
    assert os.read(read, 1) == b""  # nobody lives who holds it
    os.close(read)
    own.close()
