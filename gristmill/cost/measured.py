"""What an execution really used: counted in its history and its jobs, and derived from those where AWS counts nothing.

Counted or timed: state transitions, function invocations and their time, each child's time in its container.
Derived, by the sums that estimates use too: S3 requests, bytes of logs, a month's storage of what was made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gristmill.cost.bill import Usage, bill
from gristmill.cost.estimate import FUNCTION_GB
from gristmill.cost.load import Load, container_usage, log_usage, request_usage, reuse_usage, storage_usage, with_files
from gristmill.cost.run_load import NO_MORE, MoreInputs, invocation_usage, run_usage
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage
from gristmill.runs.findings import BranchFinding
from gristmill.runs.records import Bill

_TIMED = ("state_transition", "lambda_request", "lambda_gb_second")
_BATCH = ("cpu_vcpu_hour", "cpu_gib_hour", "gpu_vcpu_hour", "gpu_gib_hour", "gpu_hour")
_ENDS = ("TaskSucceeded", "TaskFailed", "TaskTimedOut")


@dataclass(frozen=True)
class ChildTime:
    """The children of a branch in one execution: how many, and their seconds in containers."""

    children: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class HistoryCounts:
    """What a history shows: states entered or retried, and function invocations and their seconds."""

    states: int
    invocations: int
    seconds: float


def count_history(history: Iterable[Mapping[str, Any]], now: datetime) -> HistoryCounts:
    """Count an execution's history so far; a function that has not answered ran until `now`."""
    events = {int(event["id"]): event for event in history}
    kinds = [str(event["type"]) for event in events.values()]
    entered = sum(kind.endswith("StateEntered") for kind in kinds)
    retried = max(0, kinds.count("TaskScheduled") - kinds.count("TaskStateEntered"))
    started = {number: event["timestamp"] for number, event in events.items() if _is_invocation(event)}
    ended = {event.get("previousEventId"): event["timestamp"] for event in events.values() if event["type"] in _ENDS}
    seconds = sum((ended.get(number, now) - began).total_seconds() for number, began in started.items())
    return HistoryCounts(entered + retried, len(started), max(0.0, seconds))


def _is_invocation(event: Mapping[str, Any]) -> bool:
    details = event.get("taskStartedEventDetails") or {}
    return event["type"] == "TaskStarted" and details.get("resourceType") == "lambda"


def measured(
    steps: HistoryCounts,
    child_times: Mapping[str, ChildTime],
    branches: Sequence[tuple[Stage, Branch]],
    findings: Mapping[str, BranchFinding],
    input_size: int,
    stages: int,
    checked: int = 0,
    more: MoreInputs = NO_MORE,
) -> Bill:
    """Return the bill of an execution that is about to enter its last state.

    It has judged so many stages, and checked the figures of so many branches.
    """
    loads = [
        replace(
            with_files(_load(branch, child_times.get(branch.name, ChildTime()), findings.get(branch.name)), stage),
            is_paired=branch.name in more.paired,
            is_cached=branch.name in more.cached,
        )
        for stage, branch in branches
    ]
    usage = Usage(
        state_transition=steps.states + 1,
        lambda_request=steps.invocations,
        lambda_gb_second=steps.seconds * FUNCTION_GB,
        mail=1,
    )
    usage += invocation_usage(steps.invocations) + run_usage(stages, checked, more)
    usage += log_usage(loads, steps.invocations) + storage_usage(input_size, loads)
    for load in loads:
        found = findings.get(load.branch.name)
        untouched = reuse_usage(load) if found and found.reused else Usage()
        usage += container_usage(load) + (request_usage(load) if load.children else untouched)
    return bill(usage, (*_TIMED, *_BATCH, "mail"))


def _load(branch: Branch, child_times: ChildTime, found: BranchFinding | None) -> Load:
    idle = Load(branch, 0, 0, 0, child_times.children, child_times.seconds)
    if found is None:
        return idle
    return replace(idle, tasks=found.done, bytes_in=found.bytes_in, bytes_out=found.bytes_out)
