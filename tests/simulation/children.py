"""Containers: the child's real runner; nodes.py has those of multi-node jobs."""

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from gristmill.errors import ExitCode, GristmillError
from gristmill.worker.child.__main__ import make_runner
from gristmill.worker.child.deadline import Terminated, Termination
from gristmill.worker.child.meter import ContainerTry, Tally, leave_footprint, milliseconds
from gristmill.worker.child.setting import ChildSetting, read_setting
from tests.simulation.facts import TaskBegun
from tests.simulation.jobs import Container, Job
from tests.simulation.kernel import Process
from tests.simulation.seams import CLOCK, CODE_FOLDER, ENVIRONMENT, METER, STORE

if TYPE_CHECKING:
    from tests.simulation.world import World


class NoLimit:
    """Stands for a task's time limit: jobs of the simulation take none."""

    is_interrupted = False

    def __init__(self, seconds: float) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None: ...

    def call(self, work: Callable[[], None], last_words: Callable[[str], None]) -> None:
        work()


class Children:
    """What runs in containers; `handlers` has what SIGTERM does in each."""

    def __init__(self, world: "World") -> None:
        self._world, self._kernel = world, world.kernel
        self.handlers: dict[Process, Callable[[], None]] = {}

    def run(self, job: Job, container: Container, nth: int) -> int:
        """Run a container as its image does; return its exit code."""
        if job.kind == "node":
            return self._world.nodes.run(job, container, nth, self.handlers)
        termination = Termination()
        assert container.process is not None
        self.handlers[container.process] = lambda: termination._end(0, None)
        try:
            return self._child(job, container, nth, termination)
        except Terminated:
            self._kernel.log("ends by SIGTERM")
            return ExitCode.TERMINATED
        except GristmillError as error:
            self._kernel.log(f"ends: {error}")
            return int(error.exit_code)
        except Exception as error:  # noqa: BLE001 - a program that raises ends with exit code 1
            self._kernel.log(f"ends: {type(error).__name__}: {error}")
            return 1

    def _child(self, job: Job, container: Container, nth: int, termination: Termination) -> int:
        arguments = [word for name, text in job.request["parameters"].items() for word in (f"--{name}", text)]
        environment = {
            **ENVIRONMENT,
            "AWS_BATCH_JOB_ARRAY_INDEX": str(container.index),
            "AWS_BATCH_JOB_ARRAY_SIZE": str(len(job.containers)),
            "AWS_BATCH_JOB_ATTEMPT": str(nth),
            "AWS_BATCH_JOB_ID": job.id,
        }
        setting = read_setting(arguments, environment)
        if nth > 1 and container.process:
            done = self._world.committed(setting.cursor.run, setting.cursor.stage, setting.branch)
            self._world.memory.done_before[container.process] = done
        runner = make_runner(setting, STORE, CODE_FOLDER, termination)
        runner.log, runner.time_limit = self._kernel.log, NoLimit
        runner.tally = Tally(began=milliseconds(CLOCK))
        self._watch(runner, setting)
        try:
            runner.run()
        finally:
            which = ContainerTry(setting.keys, setting.cursor.attempt, setting.group, setting.child, nth)
            leave_footprint(STORE, which, runner.tally, runner.log, METER)
        return ExitCode.FAILED if runner.tally.failed else ExitCode.OK

    def _watch(self, runner: Any, setting: ChildSetting) -> None:
        """Note each task that the child begins."""
        work, cursor = runner.job, setting.cursor

        def job(source: Any, sink: Any, parameters: Any, task: Any) -> None:
            self._world.note(TaskBegun(cursor.run, cursor.stage, setting.branch, cursor.attempt, task.number))
            self._kernel.sleep(self._kernel.soon(0.1))
            work(source, sink, parameters, task)

        runner.job = job
