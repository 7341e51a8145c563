"""The processes of this machine, as the system lists them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process; its start tells it from a later one with the same number."""

    pid: int
    parent: int
    started: str
    state: str


def running() -> list[Process]:
    """Return the processes that have not ended; those that only wait to be taken off the books have."""
    every = _from_proc() if Path("/proc/self/stat").exists() else _from_ps()
    return [item for item in every if not item.state.startswith("Z")]


def _from_proc() -> list[Process]:
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        state = "S" if fields[0] == "Z" and _has_threads(file.parent) else fields[0]
        found.append(Process(int(file.parent.name), int(fields[1]), fields[19], state))
    return found


def _has_threads(process: Path) -> bool:
    """Tell whether threads live of a process whose main thread has ended."""
    try:
        return len(list((process / "task").iterdir())) > 1
    except OSError:
        return False


def _from_ps() -> list[Process]:
    columns = [word for column in ("pid", "ppid", "stat", "lstart") for word in ("-o", f"{column}=")]
    done = subprocess.run(["ps", "-A", *columns], check=True, capture_output=True, text=True)
    lines = [line.split(maxsplit=3) for line in done.stdout.splitlines()]
    return [Process(int(pid), int(parent), started, state) for pid, parent, state, started in lines]


def below(pid: int) -> list[Process]:
    """Return the children of a process."""
    return [item for item in running() if item.parent == pid]


def helpers(server: int) -> dict[str, list[int]]:
    """Return the process ids of a server's helpers, by what they are; what a runner runs is `job` or `worker`."""
    guard = [process.pid for process in below(server) if "keep.py" in words(process.pid)]
    keeper = [process.pid for pid in guard for process in below(pid)]
    runners = [process.pid for pid in keeper for process in below(pid)]
    found = {"guard": guard, "keeper": keeper, "runner": runners}
    for role, what in (("zygote_role", "job"), ("worker", "worker")):
        zygotes = [process.pid for pid in runners for process in below(pid) if f"{role}.py" in words(process.pid)]
        found[f"zygote of {what}s"] = zygotes
        found[f"runner of {what}s"] = [process.pid for pid in zygotes for process in below(pid)]
        found[what] = [process.pid for pid in found[f"runner of {what}s"] for process in below(pid)]
    return found


def words(pid: int) -> str:
    """Return a process's command line; empty where it has ended."""
    done = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout


def descendants(pid: int) -> list[Process]:
    """Return all processes that come from one, in any generation."""
    every, found, parents = running(), [], {pid}
    while children := [item for item in every if item.parent in parents and item not in found]:
        found += children
        parents = {child.pid for child in children}
    return found


def is_running(process: Process) -> bool:
    """Tell whether this very process has not ended."""
    return any((item.pid, item.started) == (process.pid, process.started) for item in running())
