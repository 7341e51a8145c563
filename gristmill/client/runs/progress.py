"""How far a run is: one look costs a few listings, O(children) in size, never O(tasks).

What is told as done is what children have committed; a child commits at least once a minute.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from gristmill import keys
from gristmill.batch.jobs import ACTIVE, WAITING, run_jobs
from gristmill.batches.ends import read_progress
from gristmill.cache.reuse import is_reused
from gristmill.client.runs.find import Run
from gristmill.client.runs.phase import phase
from gristmill.client.runs.snapshot import FAILURES_COUNTED, BranchLook, Children, ItemsLook, Look, StageLook
from gristmill.client.stack import Stack
from gristmill.enums import JobStatus
from gristmill.pipeline.stage import Stage
from gristmill.runs.committed import committed_segments
from gristmill.runs.cursor import first_attempt, nth_attempt
from gristmill.runs.findings import BranchFinding, Finding
from gristmill.runs.locations import branch_keys, frozen, stage_keys
from gristmill.runs.pinned import find_cut
from gristmill.runs.records import ItemList, RunRecord
from gristmill.runs.repository import finding_keys, read_findings

_ASKED = 10  # waiting children of an array that are asked why; most often all wait for the same reason


@dataclass
class Memory:
    """What needs no second look: chunk counts and findings, by key."""

    tasks: dict[str, int] = field(default_factory=dict)
    findings: dict[str, Finding | None] = field(default_factory=dict)


def look(stack: Stack, run: Run, memory: Memory | None = None) -> Look:
    """Look at every stage of a run."""
    memory = memory or Memory()
    if run.record is None or run.record.pipeline is None:
        return Look(run, (), _phase(stack, run, ()))
    if run.record.items:
        return Look(run, (), _phase(stack, run, ()), _items(stack, run.record, run.record.items))
    jobs = list(run_jobs(stack.client("batch"), stack.queues, run.run))
    stages = tuple(_stage(stack, run.record, stage, jobs, memory) for stage in frozen(run.record).stages)
    return Look(run, stages, _phase(stack, run, stages))


def _items(stack: Stack, record: RunRecord, items: ItemList) -> ItemsLook:
    seen = read_progress(stack.store, record.run)
    ended = len(seen.ended)
    return ItemsLook(items.count, len(seen.fed), len(seen.running), ended, ended - seen.succeeded)


def _phase(stack: Stack, run: Run, stages: tuple[StageLook, ...]) -> str:
    at_work = (seen.children.waiting or seen.children.running for stage in stages for seen in stage.branches)
    return phase(stack, run.execution) if run.going and not any(at_work) else ""


def _stage(stack: Stack, record: RunRecord, stage: Stage, jobs: list[dict[str, Any]], memory: Memory) -> StageLook:
    tasks = _tasks(stack, record, stage.name, memory)
    if tasks is None:
        return StageLook(stage.name, None, None, tuple(BranchLook(branch.name) for branch in stage.branches))
    finding = _finding(stack, record, stage.name, memory)
    if finding and finding.verdict.is_complete:
        attempt = finding.attempt
        own = (finding.of_branch(branch.name) for branch in stage.branches)
        looks = [_found(found) for found in own if found]
    else:
        attempt = _attempt(record, stage, jobs, finding)
        looks = [
            BranchLook(branch.name, tasks, tasks)
            if is_reused(stack.store, record, stage.name, branch)
            else _branch(stack, branch_keys(record, stage.name, branch.name), attempt, tasks, jobs)
            for branch in stage.branches
        ]
    return StageLook(stage.name, nth_attempt(attempt), finding, tuple(looks))


def _tasks(stack: Stack, record: RunRecord, stage: str, memory: Memory) -> int | None:
    place = stage_keys(record, stage)
    if place.cut not in memory.tasks:
        cut = find_cut(stack.store, place)
        if cut is None:
            return None
        memory.tasks[place.cut] = cut.tasks
    return memory.tasks[place.cut]


def _finding(stack: Stack, record: RunRecord, stage: str, memory: Memory) -> Finding | None:
    """Return a stage's newest finding that can be read."""
    for key in reversed(finding_keys(stack.store, record, stage)):
        if key not in memory.findings:
            memory.findings[key] = next(read_findings(stack.store, [key]), None)
        if found := memory.findings[key]:
            return found
    return None


def _attempt(record: RunRecord, stage: Stage, jobs: list[dict[str, Any]], finding: Finding | None) -> int:
    """Return the attempt that the newest jobs are of; without jobs, the one that was checked last."""
    tried = [place.job_attempt(job["jobName"]) for job in jobs for place in _places(record, stage)]
    seen = [attempt for attempt in tried if attempt is not None]
    return max([first_attempt(record.fence), *seen, finding.attempt if finding else 0])


def _places(record: RunRecord, stage: Stage) -> list[keys.BranchKeys]:
    return [branch_keys(record, stage.name, branch.name) for branch in stage.branches]


def _found(found: BranchFinding) -> BranchLook:
    return BranchLook(found.branch, found.tasks, found.done, found.left_out)


def _branch(stack: Stack, place: keys.BranchKeys, attempt: int, tasks: int, jobs: list[dict[str, Any]]) -> BranchLook:
    own = [job for job in jobs if place.job_attempt(job["jobName"]) == attempt]
    done = union(committed_segments(stack.store, place))
    failed = [listed.key for listed in islice(stack.store.list(place.failures), FAILURES_COUNTED)]
    now_failed = [failure.task for key in failed if (failure := keys.parse_failure(key)) and failure.attempt == attempt]
    return BranchLook(
        branch=place.branch,
        tasks=tasks,
        done=sum(span.end - span.first for span in done),
        failed=sum(1 for task in now_failed if not any(span.first <= task < span.end for span in done)),
        children=count_children(own),
        waits=tuple(sorted({reason for job in _waiting(stack, own) if (reason := waits(job))})),
    )


def _waiting(stack: Stack, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the jobs, and where nothing of them runs a few children of each array: these know why they wait."""
    if count_children(jobs).running:
        return jobs
    batch = stack.client("batch")
    arrays = [job["jobId"] for job in jobs if "arrayProperties" in job and job["status"] in WAITING]
    asked = (batch.list_jobs(arrayJobId=array, jobStatus=JobStatus.RUNNABLE, maxResults=_ASKED) for array in arrays)
    return [*jobs, *(child for answer in asked for child in answer["jobSummaryList"])]


def union(spans: Iterable[keys.Span]) -> list[keys.Span]:
    """Return the tasks that are in any span, as spans that do not touch."""
    joined: list[keys.Span] = []
    for span in sorted(spans, key=lambda span: span.first):
        if joined and span.first <= joined[-1].end:
            joined[-1] = keys.Span(joined[-1].first, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def count_children(jobs: Iterable[Mapping[str, Any]]) -> Children:
    """Count the containers of job summaries; an array stands for its children."""
    states: Counter[str] = Counter()
    for job in jobs:
        states.update(job.get("arrayProperties", {}).get("statusSummary") or {job["status"]: 1})
    return Children(
        waiting=sum(states[status] for status in WAITING),
        running=sum(states[status] for status in ACTIVE),
        succeeded=states[JobStatus.SUCCEEDED],
        failed=states[JobStatus.FAILED],
    )


def waits(job: Mapping[str, Any]) -> str:
    """Return why a job that has not started waits, as far as Batch says so."""
    return str(job.get("statusReason") or "") if job["status"] in WAITING else ""
