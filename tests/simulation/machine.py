"""An execution at work: it walks through the states of the real definition."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.simulation import asl
from tests.simulation.asl import StateError, value
from tests.simulation.facts import StateEntered
from tests.simulation.kernel import Process, Signal, Task

if TYPE_CHECKING:
    from tests.simulation.executions import Execution
    from tests.simulation.world import World

_SUCCEEDED: dict[str, Any] = {"Type": "Succeed"}


class Machine:
    """One execution's walk. Parallel branches and iterations are tasks of its process."""

    def __init__(self, world: "World", execution: "Execution") -> None:
        self._world, self._kernel, self._execution = world, world.kernel, execution

    def run(self, definition: dict[str, Any]) -> Any:
        """Return the output of the whole machine; StateError where it fails."""
        return self._walk(definition, self._execution.input, {}, 0)

    def _event(self, kind: str, previous: int = 0, **details: Any) -> int:
        """Add an event to the history; return its id."""
        history = self._execution.history
        at = datetime.fromtimestamp(self._kernel.now, UTC)
        history.append(
            (
                self._kernel.now,
                {"id": len(history) + 1, "previousEventId": previous, "type": kind, "timestamp": at, **details},
            )
        )
        return len(history)

    def _context(self, item: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution
        started = (
            datetime.fromtimestamp(execution.started, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
        about = {"Id": execution.arn, "Name": execution.name, "StartTime": started, "Input": execution.input}
        return {"Execution": about, **item}

    def _walk(self, machine: dict[str, Any], given: Any, item: dict[str, Any], previous: int) -> Any:
        name = machine["StartAt"]
        while True:
            state = machine["States"][name]
            kind, states = state["Type"], {"input": given, "context": self._context(item)}
            self._world.note(StateEntered(self._execution, name, given))
            self._event(f"{kind}StateEntered", previous, stateEnteredEventDetails={"name": name})
            if kind == "Fail":
                raise StateError(value(state["Error"], states), value(state["Cause"], states))
            following, given = self._state(name, state, states)
            self._event(f"{kind}StateExited", stateExitedEventDetails={"name": name})
            if following is None:
                return given
            name = following

    def _state(self, name: str, state: dict[str, Any], states: dict[str, Any]) -> tuple[str | None, Any]:
        """Return the state that follows, None at the end, and the output."""
        if state["Type"] == "Choice":
            chosen = (rule["Next"] for rule in state["Choices"] if value(rule["Condition"], states))
            return next(chosen, state["Default"]), states["input"]
        tries: dict[int, int] = {}
        while True:
            try:
                result = self._result(name, state, states)
                output = value(state["Output"], {**states, "result": result}) if "Output" in state else result
                return state.get("Next"), output
            except StateError as error:
                again = self._may_retry(state, error, tries)
                if again is None:
                    return self._caught(state, states, error)
                self._kernel.sleep(again)

    def _may_retry(self, state: dict[str, Any], error: StateError, tries: dict[int, int]) -> float | None:
        """Return the wait before the state is tried again, None where it is not."""
        for place, rule in enumerate(state.get("Retry", [])):
            if asl.catches(rule, error):
                done = tries.get(place, 0)
                if done >= rule["MaxAttempts"]:
                    return None
                tries[place] = done + 1
                return self._kernel.random.uniform(0, asl.delay(rule, done))
        return None

    def _caught(self, state: dict[str, Any], states: dict[str, Any], error: StateError) -> tuple[str, Any]:
        for rule in state.get("Catch", []):
            if asl.catches(rule, error):
                output = {"Error": error.name, "Cause": error.cause}
                made = value(rule["Output"], {**states, "errorOutput": output}) if "Output" in rule else output
                return rule["Next"], made
        raise error

    def _result(self, name: str, state: dict[str, Any], states: dict[str, Any]) -> Any:
        kind = state["Type"]
        if kind == "Task":
            return self._task(state, states)
        if kind == "Wait":
            self._kernel.sleep(value(state["Seconds"], states))
        elif kind == "Parallel":
            works = [lambda inner=inner: self._walk(inner, states["input"], {}, 0) for inner in state["Branches"]]
            self._event("ParallelStateStarted")
            made = self._all(works)
            self._event("ParallelStateSucceeded")
            return made
        elif kind == "Map":
            self._event("MapStateStarted", mapStateStartedEventDetails={})
            made = self._all(
                [self._iteration(state, states, *pair) for pair in enumerate(value(state["Items"], states))]
            )
            self._event("MapStateSucceeded")
            return made
        return states["input"]

    def _iteration(self, state: dict[str, Any], states: dict[str, Any], index: int, found: Any) -> Callable[[], Any]:
        item = {"Map": {"Item": {"Index": index, "Value": found}}}
        inside = {**states, "context": {**states["context"], **item}}
        given = value(state["ItemSelector"], inside) if "ItemSelector" in state else found

        def work() -> Any:
            self._event("MapIterationStarted")
            made = self._walk(state["ItemProcessor"], given, item, 0)
            self._event("MapIterationSucceeded")
            return made

        return work

    def _all(self, works: list[Callable[[], Any]]) -> list[Any]:
        """Do several at once; the first failure ends the others and what they wait for."""
        changed = Signal(self._kernel)
        lines: list[tuple[Process, Task]] = []

        def line(work: Callable[[], Any]) -> Callable[[], Any]:
            def go() -> Any:
                try:
                    return work()
                finally:
                    changed.fire()

            return go

        for work in works:
            process = Process(self._execution.label, "machine", self._execution.run, self._execution.arn)
            self._kernel.current.process.parts.append(process)
            lines.append((process, self._kernel.spawn(process, line(work))))
        while not all(task.is_done for _, task in lines):
            failed = next((task for _, task in lines if task.is_done and task.error), None)
            if failed:
                break
            changed.wait()
        errors = [task.error for _, task in lines if task.is_done and task.error]
        if errors:
            for process, _ in lines:
                self._world.states.abandon(self._execution, process)
            raise errors[0]
        return [task.result for _, task in lines]

    def _task(self, state: dict[str, Any], states: dict[str, Any]) -> Any:
        """Do what a Task asks for, within its time."""
        arguments, resource = value(state["Arguments"], states), state["Resource"].removeprefix("arn:aws:states:::")
        service, _, action = resource.removeprefix("aws-sdk:").partition(":")
        details = {"resource": action, "resourceType": service, "parameters": json.dumps(arguments)}
        scheduled = self._event("TaskScheduled", taskScheduledEventDetails=details)
        started = self._event(
            "TaskStarted", scheduled, taskStartedEventDetails={"resource": action, "resourceType": service}
        )

        def submitted() -> None:
            self._event("TaskSubmitted", started)

        limit = float(value(state["TimeoutSeconds"], states))
        try:
            result = self._world.integrations.call(resource, arguments, self._execution, limit, submitted)
        except StateError as error:
            self._event("TaskTimedOut" if error.name == "States.Timeout" else "TaskFailed", started)
            raise
        self._event("TaskSucceeded", started)
        return result
