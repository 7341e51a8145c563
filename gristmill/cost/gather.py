"""Ask Step Functions and Batch once what an execution did, for its bill and its report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from gristmill.batch.containers import Container, containers
from gristmill.cost.measured import ChildTime, count_history, measured
from gristmill.cost.run_load import NO_MORE, more_inputs
from gristmill.runs.cursor import first_attempt
from gristmill.runs.findings import Finding
from gristmill.runs.records import Bill, RunRecord

CONTAINERS_ASKED = 100_000  # of one run: 100 pages of ListJobs; the bill and the report leave out what is beyond


@dataclass(frozen=True)
class CostClients:
    """The clients of Step Functions and Batch that answer what an execution did, and the ARNs of the queues."""

    states: Any
    batch: Any
    queues: Sequence[str]


@dataclass(frozen=True)
class Observation:
    """An execution's history so far, and the containers of its run."""

    history: Sequence[Mapping[str, Any]] = ()
    containers: Sequence[Container] = ()


def observe(clients: CostClients, record: RunRecord, execution: str) -> Observation:
    """Return what a run's execution, which is about to end or has just ended, has done."""
    history = clients.states.get_paginator("get_execution_history")
    pages = history.paginate(executionArn=execution, includeExecutionData=False)
    events = [event for page in pages for event in page["events"]]
    found = islice(containers(clients.batch, clients.queues, record), CONTAINERS_ASKED)
    return Observation(events, list(found))


def measure(observed: Observation, record: RunRecord, findings: Sequence[Finding], now: datetime) -> Bill:
    """Return the bill of what the execution that owns the run has done. Pure."""
    stages = record.pipeline.stages if record.pipeline else []
    branches = [(stage, branch) for stage in stages for branch in stage.branches]
    each = ((branch.name, finding.of_branch(branch.name)) for finding in findings for _, branch in branches)
    found = {name: branch_finding for name, branch_finding in each if branch_finding}
    own = (container for container in observed.containers if container.attempt >= first_attempt(record.fence))
    counts, checked = (
        count_history(observed.history, now),
        sum(bool(branch_finding.checks) for branch_finding in found.values()),
    )
    more = more_inputs(record.pipeline) if record.pipeline else NO_MORE
    return measured(counts, child_times(own), branches, found, record.input.size, len(findings), checked, more)


def child_times(found: Iterable[Container]) -> dict[str, ChildTime]:
    """Return the containers and their time by branch."""
    spent: dict[str, ChildTime] = {}
    for container in found:
        so_far = spent.get(container.branch, ChildTime())
        spent[container.branch] = ChildTime(so_far.children + 1, so_far.seconds + container.seconds)
    return spent
