"""Step Functions in memory: executions, their ends and the events of those, and what its client shows of them."""

from typing import TYPE_CHECKING, Any

from gristmill.enums import RunStatus
from gristmill.runs.request import Resume, read_request
from tests.simulation import asl
from tests.simulation.asl import StateError
from tests.simulation.bucket import BUCKET
from tests.simulation.executions import Execution, arn_of, detail_of
from tests.simulation.facts import ExecutionEnded
from tests.simulation.kernel import Process
from tests.simulation.machine import Machine

if TYPE_CHECKING:
    from tests.simulation.world import World

_STOPPED = "Stopped by Step Functions"
_ASYNC_RETRIES = (60.0, 120.0)  # seconds after which Lambda tries an event again


class States:
    """The service."""

    _definition: dict[str, Any] | None = None

    def __init__(self, world: "World") -> None:
        self._world, self._kernel = world, world.kernel
        self.executions: dict[str, Execution] = {}
        self._dead_letters: list[Execution] = []
        if States._definition is None:
            States._definition = asl.load()

    def start(self, name: str, given: Any) -> Execution:
        request = read_request(given, BUCKET)
        label = name.removeprefix(f"{request.run}-")
        arn = arn_of(name)
        process = Process(label, "machine", request.run, arn)
        execution = Execution(arn, given, self._kernel.now, request.run, process)
        self.executions[arn] = execution
        self._kernel.log(f"starts execution {label}" + (" to resume" if isinstance(request, Resume) else ""))
        self._kernel.spawn(process, lambda: self._live(execution), 0.05)
        if self._kernel.chance(self._world.trouble.of("timeouts")):
            late = Process("clock", "service")
            self._kernel.spawn(late, lambda: self.end(execution, RunStatus.TIMED_OUT), self._kernel.soon(100))
        return execution

    def _live(self, execution: Execution) -> None:
        try:
            Machine(self._world, execution).run(States._definition or {})
        except StateError as error:
            self.end(execution, RunStatus.FAILED, error.name, error.cause)
        except Exception as error:  # the simulation's own fault: a history that has one breaks no law, and is loud
            self._world.violations.append(("the_simulation_works", f"{execution.label}: {error!r}"))
            raise
        else:
            self.end(execution, RunStatus.SUCCEEDED)

    def end(self, execution: Execution, status: RunStatus, error: str = "", cause: str = "") -> None:
        """End an execution, once; what it waits for ends too, and whoever watches is told."""
        if execution.status is not RunStatus.RUNNING:
            return
        execution.status, execution.ended, execution.error, execution.cause = status, self._kernel.now, error, cause
        self._kernel.log(f"execution {execution.label} has {status} {cause[:120]}")
        self._world.note(ExecutionEnded(execution))
        if status is RunStatus.SUCCEEDED:
            return
        self.abandon(execution, execution.process)
        trouble = self._world.trouble
        for _ in range(1 + self._kernel.chance(trouble.of("duplicate ends"))):
            wait = self._kernel.soon(600 if self._kernel.chance(trouble.of("late ends")) else 0.5)
            bus = Process(f"event {execution.label}", "service", execution.run, execution.arn)
            self._kernel.spawn(bus, lambda: self._tell(execution), wait)

    def _tell(self, execution: Execution) -> None:
        """Hand the event of an end to Notify, as EventBridge and Lambda do: again where it fails."""
        event = {"detail-type": "Step Functions Execution Status Change", "detail": detail_of(execution)}
        for wait in (*_ASYNC_RETRIES, None):
            invocation = self._world.functions.start("notify", event, execution, "settle")
            self._kernel.wait(invocation.task)
            if invocation.is_answered:
                return
            if wait is None:
                self._dead_letters.append(execution)
                return
            self._kernel.sleep(wait)

    def redrive(self) -> None:
        """Hand the events that lie in the dead-letter queue to Notify once more, as whoever hears its alarm does."""
        for execution in self._dead_letters:
            operator = Process(f"operator {execution.label}", "service", execution.run, execution.arn)
            self._kernel.spawn(operator, lambda execution=execution: self._tell(execution), 500.0)
        self._dead_letters = []

    def abandon(self, execution: Execution, process: Process) -> None:
        """End a line of an execution, and the jobs that it waits for."""
        if not process.is_dead:
            self._kernel.kill(process)
        for part in [process, *process.parts]:
            job = execution.waits.pop(part, None)
            if job:
                service = Process("Step Functions", "service", execution.run, execution.arn)
                self._kernel.spawn(service, lambda job=job: self._world.batch.terminate(job, _STOPPED), 0.1)
            if part is not process:
                self.abandon(execution, part)
