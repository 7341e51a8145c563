"""Asking Step Functions and Batch what an execution did."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from gristmill import keys
from gristmill.cost.measured import Steps, Worked, measured, read_steps
from gristmill.jobs import TERMINAL, run_jobs
from gristmill.limits import ATTEMPTS_MAX
from gristmill.records import Bill, Finding, RunRecord

_CHILDREN_ASKED = 100_000  # summaries read of one run; a run with more tells its time as unmeasured


@dataclass(frozen=True)
class Sources:
    """Where an execution's doings are asked: clients of Step Functions and Batch, and the queues."""

    states: Any
    batch: Any
    queues: Sequence[str]


def measure(sources: Sources, record: RunRecord, execution: str, findings: Sequence[Finding], now: datetime) -> Bill:
    """Return the bill of a run's execution, which is about to end or has just ended."""
    branches = [branch for stage in (record.pipeline.stages if record.pipeline else []) for branch in stage.branches]
    found = {one.branch: one for finding in findings for one in finding.branches}
    return measured(
        _steps(sources.states, execution, now), _worked(sources, record), branches, found, record.input.size
    )


def _steps(states: Any, execution: str, now: datetime) -> Steps:
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution, includeExecutionData=False)
    return read_steps((event for page in pages for event in page["events"]), now)


def _worked(sources: Sources, record: RunRecord) -> dict[str, Worked]:
    """Return the children and their time by branch, of the attempts of the record's execution."""
    names = _branches(record)
    spent: dict[str, Worked] = {}
    for name, seconds in islice(_times(sources, record), _CHILDREN_ASKED):
        branch = names.get(name)
        if branch:
            so_far = spent.get(branch, Worked())
            spent[branch] = Worked(so_far.children + 1, so_far.seconds + seconds)
    return spent


def _branches(record: RunRecord) -> Mapping[str, str]:
    """Return the branch by the part of a job's name before attempt and group."""
    stages = record.pipeline.stages if record.pipeline else []
    return {
        _parse(keys.job_name(record.run, stage.name, branch.name, 0, 0))[0]: branch.name
        for stage in stages
        for branch in stage.branches
    }


def _parse(name: str) -> tuple[str, int]:
    """Return what a job's name has before its attempt, and the attempt."""
    head, attempt, _ = name.rsplit("-", 2)
    return head, int(attempt)


def _times(sources: Sources, record: RunRecord) -> Iterator[tuple[str, float]]:
    first = record.resumes * ATTEMPTS_MAX
    for job in run_jobs(sources.batch, sources.queues, record.run):
        head, attempt = _parse(job["jobName"])
        if attempt >= first:
            yield from ((head, _seconds(one)) for one in _containers(sources.batch, job))


def _containers(batch: Any, job: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the job itself, or an array's children: those that ended, by status as ListJobs wants it."""
    if "arrayProperties" not in job:
        yield job
        return
    for status in sorted(TERMINAL):
        for page in batch.get_paginator("list_jobs").paginate(arrayJobId=job["jobId"], jobStatus=status):
            yield from page["jobSummaryList"]


def _seconds(job: Mapping[str, Any]) -> float:
    """Return a job's seconds in containers, those of all its nodes: of its last attempt, the only one that is timed."""
    started, stopped = job.get("startedAt") or 0, job.get("stoppedAt") or 0
    nodes = int(job.get("nodeProperties", {}).get("numNodes", 1))
    return nodes * max(0, stopped - started) / 1000 if started else 0.0
