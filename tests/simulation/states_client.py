"""What the client of Step Functions does and shows."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gristmill.enums import RunStatus
from tests.simulation.executions import arn_of
from tests.simulation.wire import failure

if TYPE_CHECKING:
    from tests.simulation.world import World


class StatesClient:
    """The client, by the calls that are made of it."""

    def __init__(self, world: "World") -> None:
        self._world, self._states = world, world.states

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> Any:  # noqa: A002 - as boto3 calls it
        def act() -> dict[str, Any]:
            arn = arn_of(name)
            there = self._states.executions.get(arn)
            if there and (there.status is not RunStatus.RUNNING or there.input != json.loads(input)):
                raise failure("ExecutionAlreadyExists", 400, "StartExecution")
            return {"executionArn": (there or self._states.start(name, json.loads(input))).arn}

        return self._world.wire.call(f"StartExecution {name}", act, True)

    def stop_execution(self, *, executionArn: str, error: str, cause: str) -> Any:
        def act() -> dict[str, Any]:
            self._states.end(self._states.executions[executionArn], RunStatus.ABORTED, error, cause)
            return {}

        return self._world.wire.call(f"StopExecution {self._label(executionArn)}", act, True)

    def describe_execution(self, *, executionArn: str) -> Any:
        return self._world.wire.call(
            f"DescribeExecution {self._label(executionArn)}", lambda: self._described(executionArn)
        )

    def _label(self, arn: str) -> str:
        return self._states.executions[arn].label if arn in self._states.executions else arn.rpartition(":")[2]

    def _described(self, arn: str) -> dict[str, Any]:
        """Describe an execution as it was a moment ago."""
        execution, seen = self._states.executions.get(arn), self._world.kernel.now - self._world.trouble.lag
        if execution is None or execution.started > seen:
            raise failure("ExecutionDoesNotExist", 400, "DescribeExecution")
        about = {"input": json.dumps(execution.input), "startDate": datetime.fromtimestamp(execution.started, UTC)}
        if execution.ended is None or execution.ended > seen:
            return {**about, "status": "RUNNING"}
        end = {"status": execution.status, "stopDate": datetime.fromtimestamp(execution.ended, UTC)}
        return {**about, **end, "error": execution.error, "cause": execution.cause}

    def list_executions(self, *, stateMachineArn: str, statusFilter: str, maxResults: int) -> Any:
        seen = self._world.kernel.now - self._world.trouble.lag
        newest = sorted(self._states.executions.values(), key=lambda execution: -execution.started)
        going = [
            execution
            for execution in newest
            if execution.started <= seen and (execution.ended is None or execution.ended > seen)
        ]
        found = [
            {"executionArn": execution.arn, "startDate": datetime.fromtimestamp(execution.started, UTC)}
            for execution in going
        ]
        return self._world.wire.call(f"ListExecutions {statusFilter}", lambda: {"executions": found[:maxResults]})

    def get_paginator(self, name: str) -> "_Pages":
        return _Pages(self, name)

    def pages(self, name: str, arn: str | None) -> Iterator[Any]:
        seen = self._world.kernel.now - self._world.trouble.lag
        if name == "list_executions":
            newest = sorted(self._states.executions.values(), key=lambda execution: -execution.started)
            found = [{"executionArn": execution.arn} for execution in newest if execution.started <= seen]
            yield self._world.wire.call("ListExecutions", lambda: {"executions": found})
        else:
            history = self._states.executions[arn or ""].history
            events = [event for time, event in history if time <= seen]
            yield self._world.wire.call("GetExecutionHistory", lambda: {"events": events})


@dataclass(frozen=True)
class _Pages:
    states: StatesClient
    name: str

    def paginate(self, *, executionArn: str | None = None, **_which: Any) -> Iterator[Any]:
        return self.states.pages(self.name, executionArn)
