"""Step Functions in memory: executions, their ends and the events of those, and what its client shows of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gristmill.enums import RunStatus
from gristmill.runs.request import Resume, read_request
from tests.simulation import asl
from tests.simulation.asl import StateError
from tests.simulation.bucket import BUCKET
from tests.simulation.facts import ExecutionEnded
from tests.simulation.kernel import Process
from tests.simulation.machine import Machine
from tests.simulation.wire import failure

if TYPE_CHECKING:
    from tests.simulation.jobs import Job
    from tests.simulation.world import World

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:gristmill"
_STOPPED = "Stopped by Step Functions"
_ASYNC_RETRIES = (60.0, 120.0)  # seconds after which Lambda tries an event again


@dataclass
class Execution:
    """An execution of the state machine."""

    arn: str
    input: Any
    started: float
    run: str
    process: Process
    status: RunStatus = RunStatus.RUNNING
    ended: float | None = None
    error: str = ""
    cause: str = ""
    history: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    waits: dict[Process, "Job"] = field(default_factory=dict)  # .sync jobs, by what waits for them

    @property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]

    @property
    def label(self) -> str:
        """Return its name as histories say it: drop, drop-2, resume-1."""
        return self.name.removeprefix(f"{self.run}-")

    @property
    def is_resume(self) -> bool:
        return "resume" in self.input


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
        arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"
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
        event = {"detail-type": "Step Functions Execution Status Change", "detail": _detail(execution)}
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

    # What its client does.

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> Any:  # noqa: A002 - as boto3 calls it
        def act() -> dict[str, Any]:
            arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"
            there = self.executions.get(arn)
            if there and (there.status is not RunStatus.RUNNING or there.input != json.loads(input)):
                raise failure("ExecutionAlreadyExists", 400, "StartExecution")
            return {"executionArn": (there or self.start(name, json.loads(input))).arn}

        return self._world.wire.call(f"StartExecution {name}", act, True)

    def stop_execution(self, *, executionArn: str, error: str, cause: str) -> Any:
        def act() -> dict[str, Any]:
            self.end(self.executions[executionArn], RunStatus.ABORTED, error, cause)
            return {}

        return self._world.wire.call(f"StopExecution {self._label(executionArn)}", act, True)

    def describe_execution(self, *, executionArn: str) -> Any:
        return self._world.wire.call(
            f"DescribeExecution {self._label(executionArn)}", lambda: self._described(executionArn)
        )

    def _label(self, arn: str) -> str:
        return self.executions[arn].label if arn in self.executions else arn.rpartition(":")[2]

    def _described(self, arn: str) -> dict[str, Any]:
        """Describe an execution as it was a moment ago."""
        execution, seen = self.executions.get(arn), self._kernel.now - self._world.trouble.lag
        if execution is None or execution.started > seen:
            raise failure("ExecutionDoesNotExist", 400, "DescribeExecution")
        about = {"input": json.dumps(execution.input), "startDate": datetime.fromtimestamp(execution.started, UTC)}
        if execution.ended is None or execution.ended > seen:
            return {**about, "status": "RUNNING"}
        end = {"status": execution.status, "stopDate": datetime.fromtimestamp(execution.ended, UTC)}
        return {**about, **end, "error": execution.error, "cause": execution.cause}

    def get_paginator(self, name: str) -> "_Pages":
        return _Pages(self, name)

    def pages(self, name: str, arn: str | None) -> Iterator[Any]:
        seen = self._kernel.now - self._world.trouble.lag
        if name == "list_executions":
            newest = sorted(self.executions.values(), key=lambda execution: -execution.started)
            found = [{"executionArn": execution.arn} for execution in newest if execution.started <= seen]
            yield self._world.wire.call("ListExecutions", lambda: {"executions": found})
        else:
            history = self.executions[arn or ""].history
            events = [event for time, event in history if time <= seen]
            yield self._world.wire.call("GetExecutionHistory", lambda: {"events": events})


@dataclass(frozen=True)
class _Pages:
    states: States
    name: str

    def paginate(self, *, executionArn: str | None = None, **_which: Any) -> Iterator[Any]:
        return self.states.pages(self.name, executionArn)


def _detail(execution: Execution) -> dict[str, Any]:
    return {
        "executionArn": execution.arn,
        "status": str(execution.status),
        "startDate": int(execution.started * 1000),
        "input": json.dumps(execution.input),
        "error": execution.error,
        "cause": execution.cause,
    }
