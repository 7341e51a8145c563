"""Nodes of multi-node jobs: the real ones, main node and others, around programs that are simulated."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gristmill.errors import GristmillError
from gristmill.keys import BranchKeys
from gristmill.worker.node import __main__ as node
from gristmill.worker.node.failures import NodeTerminated
from gristmill.worker.node.mpi_branch import read_branch
from gristmill.worker.node.setting import NodeSetting, read_setting
from tests.simulation.facts import TaskBegun
from tests.simulation.jobs import Container, Job
from tests.simulation.kernel import Process, Signal
from tests.simulation.seams import ENVIRONMENT, STORE

if TYPE_CHECKING:
    from tests.simulation.world import World

MAIN = 0


class Program:
    """An MPI program over the nodes of a try: its daemons join it, its ranks work, and it ends, or loses a node."""

    def __init__(self, world: "World", nodes: list[int], number: int) -> None:
        self._world, self._kernel, self.number = world, world.kernel, number
        self._main = world.by
        self.launches = {index: f"prted {number} {index}" for index in nodes if index != MAIN}
        self.daemons: dict[int, Process] = {MAIN: self._main}
        self.ends: dict[int, int | None] = {}  # of its ranks, one on each node: exit code, None while it runs
        self.code: int | None = None  # of mpirun
        self._size = len(nodes)
        self._changed = Signal(world.kernel)
        self._ranks = Process(f"{self._main.name}.ranks", "container", self._main.run, self._main.execution)
        self._ranks.slow = min(self._main.slow, 1000.0)
        self._main.parts.append(self._ranks)

    def start(self, place: BranchKeys, attempt: int, output: Path, code: Path) -> None:
        """Begin to run a branch's function once all daemons have joined."""
        done_before = self._world.memory.done_before
        if self._main in done_before:
            done_before[self._ranks] = done_before[self._main]
        self._kernel.spawn(self._ranks, lambda: self._run(place, attempt, output, code), self._kernel.soon(0.2))

    def join(self, index: int, process: Process) -> None:
        """Let the daemon of a node take part."""
        self.daemons[index] = process
        self._changed.fire()

    def _run(self, place: BranchKeys, attempt: int, output: Path, code: Path) -> None:
        while len(self.daemons) < self._size:
            self._changed.wait()
        self.ends = dict.fromkeys(self.daemons, None)
        self._world.note(TaskBegun(place.run, place.stage, place.branch, attempt, 0))
        work = read_branch(STORE, place, attempt)
        try:
            with work.open_input(STORE) as source, output.open("wb") as sink:
                work.function(code)(source, sink, work.parameters, work.task(Path()))
        except Exception as error:  # noqa: BLE001 - mpi4py ends all ranks then
            self._kernel.log(f"rank 0 fails: {error}")
            self.ends = {index: 1 if index == MAIN else -15 for index in self.ends}
            self.code = 1
        else:
            self.ends = dict.fromkeys(self.ends, 0)
            self.code = 0

    @property
    def has_lost_a_node(self) -> bool:
        return any(process.is_dead for process in self.daemons.values())

    def returncode(self) -> int | None:
        """Return how mpirun ended, None while it runs: with 0 or 1 where it has lost a node."""
        if self.code is None and self.has_lost_a_node:
            self.code = self._kernel.random.randint(0, 1)
            self._kernel.log(f"mpirun has lost a node, and ends with {self.code}")
            self._kernel.kill(self._ranks)
        return self.code

    def end(self) -> None:
        """End mpirun, and the ranks that have not ended."""
        self._kernel.kill(self._ranks)
        if self.code is None:
            self.ends = {index: -15 if code is None else code for index, code in self.ends.items()}
            self.code = 143

    def daemon_code(self) -> int | None:
        """Return how a daemon ends, None while it runs: badly with its mpirun, either way with a lost node."""
        if self._main.is_dead:
            return 1
        if self.code is None:
            return None
        return self._kernel.random.randint(0, 1) if self.has_lost_a_node else 0


class Nodes:
    """The nodes of a world, and the programs that their main nodes started."""

    def __init__(self, world: "World") -> None:
        self._world, self._kernel = world, world.kernel
        self._programs: list[Program] = []
        self.of: dict[Process, Program] = {}  # by the process of each node

    def begin(self, nodes: list[int]) -> Program:
        """Return a new program of the main node that acts."""
        made = Program(self._world, nodes, len(self._programs))
        self._programs.append(made)
        self.of[self._world.by] = made
        return made

    def join(self, command: str) -> Program:
        """Have the node that acts run the daemon's command."""
        number, index = map(int, command.split()[1:])
        program = self.of[self._world.by] = self._programs[number]
        program.join(index, self._world.by)
        return program

    def run(self, job: Job, container: Container, nth: int, handlers: dict[Process, Callable[[], None]]) -> int:
        """Run a node as its image does; return its exit code."""
        process, signals = self._world.by, list[str]()
        handlers[process] = lambda: signals.append("SIGTERM")
        setting = self._setting(job, container, nth)
        if nth > 1:
            done = self._world.committed(setting.cursor.run, setting.cursor.stage, setting.branch)
            self._world.memory.done_before[process] = done

        def pause(seconds: float) -> None:
            self._kernel.sleep(0 if signals else seconds)
            if signals:
                raise NodeTerminated("terminated (SIGTERM)")

        try:
            with TemporaryDirectory(prefix="simulated-node-") as folder:
                return node.run(setting, Path(folder), pause)
        except GristmillError as error:
            self._kernel.log(f"ends: {error}")
            return int(error.exit_code)
        finally:  # whatever else there is of the container ends with it
            self._kernel.kill(process)

    def _setting(self, job: Job, container: Container, nth: int) -> NodeSetting:
        (override,) = job.request["nodeOverrides"]["nodePropertyOverrides"]
        words = override["containerOverrides"]["command"]
        environment = {
            **ENVIRONMENT,
            "AWS_BATCH_JOB_NODE_INDEX": str(container.index),
            "AWS_BATCH_JOB_MAIN_NODE_INDEX": str(MAIN),
            "AWS_BATCH_JOB_NUM_NODES": str(len(job.containers)),
            "AWS_BATCH_JOB_ATTEMPT": str(nth),
            "AWS_BATCH_JOB_ID": f"{job.id}#{container.index}",
        }
        return read_setting(words[words.index("gristmill.worker.node") + 1 :], environment)
