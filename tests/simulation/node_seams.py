"""Where the simulation takes the place of a node's world: mpirun, its daemons, the accounts of ranks, threads."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gristmill.keys import BranchKeys
from gristmill.worker.child.meter import leave_footprint
from gristmill.worker.node import __main__ as node
from gristmill.worker.node import board, branch_work, main_node, mpi_branch, other_node, others, rank
from gristmill.worker.node.branch_work import BranchWork
from gristmill.worker.node.host import Registration
from gristmill.worker.node.mpi_branch import CODE, OUTPUT
from gristmill.worker.node.ranks import RankEnd
from tests.simulation.kernel import Signal
from tests.simulation.seams import METER, STORE, kept, one_after_another, world

_RANK = "gristmill.worker.node.rank"


class Mpirun:
    """Stands for a running mpirun."""

    report = output = ""

    def __init__(self, _folder: Path, _main: int, nodes: Mapping[int, Registration]) -> None:
        self._program = world().nodes.begin(sorted(nodes))

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        given = rank._parser().parse_args(command[command.index(_RANK) + 1 :])
        place = BranchKeys(given.run, given.stage, given.branch, given.fingerprint)
        self._program.start(place, given.attempt, Path(environment[OUTPUT]), Path(environment[CODE]))

    def launches(self) -> dict[int, str]:
        taken, self._program.launches = self._program.launches, {}
        return taken

    def returncode(self) -> int | None:
        return self._program.returncode()

    def end(self) -> None:
        self._program.end()


class Daemon:
    """Stands for the process of a daemon."""

    def __init__(self, words: Sequence[str], **_settings: Any) -> None:
        self._program = world().nodes.join(words[-1])
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._program.daemon_code()
        return self._code


class Accounts:
    """Stands for the accounts that the supervisors of a node's ranks keep."""

    variables: Mapping[str, str] = {}

    def __init__(self, _folder: Path, index: int) -> None:
        self._index, self._process = index, world().by

    def read(self) -> list[RankEnd]:
        program = world().nodes.of.get(self._process)
        if program is None or self._index not in program.ends:
            return []
        code = program.ends[self._index]
        return [RankEnd(self._index, self._index, code, is_asked=code == -15)]


class Event:
    """Stands for an event of threads."""

    def __init__(self) -> None:
        self._is_set, self._changed = False, Signal(world().kernel)

    def set(self) -> None:
        self._is_set = True
        self._changed.fire()

    def wait(self, seconds: float) -> bool:
        if not self._is_set:
            self._changed.wait(seconds)
        return self._is_set


class Thread:
    """Stands for a thread: a task of the same process."""

    def __init__(self, target: Callable[[], None], **_settings: Any) -> None:
        self._target = target

    def start(self) -> None:
        world().kernel.spawn(world().by, self._target)


def _register(*_given: Any) -> Registration:
    return Registration(address="10.0.0.1", slots=1)


def _leave_footprint(store: Any, which: Any, tally: Any, _log: Any) -> None:
    leave_footprint(store, which, tally, _log_line, METER)


def _log_line(line: str) -> None:
    if not world().by.is_dead:
        world().kernel.log(line)


_TIME = SimpleNamespace(monotonic=lambda: world().kernel.now)
SWAPS: list[tuple[Any, str, Any]] = [
    *((module, "time", _TIME) for module in (board, main_node, other_node, others)),
    (board, "threading", SimpleNamespace(Event=Event, Thread=Thread)),
    (main_node, "Mpirun", Mpirun),
    (main_node, "together", one_after_another),
    (others, "together", one_after_another),
    (other_node, "subprocess", SimpleNamespace(Popen=Daemon, DEVNULL=None)),
    (node, "make_bare_client", lambda *_given: None),
    (node, "S3Storage", lambda *_given: STORE),
    (node, "Accounts", Accounts),
    (node, "find_mpirun", lambda: None),
    (node, "register", _register),
    (node, "log_line", _log_line),
    (node, "make_work", lambda setting, folder: BranchWork(STORE, setting, folder)),
    (node, "environment", lambda work, _accounts: dict(work.environment)),
    (branch_work, "S3Storage", lambda *_given: STORE),
    (branch_work, "make_client", lambda _service: None),
    (branch_work, "leave_footprint", _leave_footprint),
    (mpi_branch, "PipelineCode", kept(mpi_branch.PipelineCode)),
]
