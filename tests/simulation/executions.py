"""Executions of the state machine."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gristmill.enums import RunStatus
from tests.simulation.kernel import Process

if TYPE_CHECKING:
    from tests.simulation.jobs import Job

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:gristmill"


def arn_of(name: str) -> str:
    """Return the ARN of an execution."""
    return f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"


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


def detail_of(execution: Execution) -> dict[str, Any]:
    return {
        "executionArn": execution.arn,
        "status": str(execution.status),
        "startDate": int(execution.started * 1000),
        "input": json.dumps(execution.input),
        "error": execution.error,
        "cause": execution.cause,
    }
