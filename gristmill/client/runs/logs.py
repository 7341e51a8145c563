"""The logs of a run's children, and of the nodes of its multi-node jobs."""

from collections.abc import Container, Iterable, Iterator
from itertools import islice
from typing import Any

from gristmill import keys
from gristmill.batch.jobs import TERMINAL, describe_jobs, run_jobs
from gristmill.client.jobs.jobs import JobKind, kind_of
from gristmill.client.outage import Patience
from gristmill.client.runs.find import Run, find_run
from gristmill.client.stack import Stack
from gristmill.client.tail import LATE_SECONDS, Follower, Line, Stream, line_of
from gristmill.enums import JobStatus
from gristmill.errors import NotFound
from gristmill.runs.committed import committed_segments
from gristmill.runs.cursor import nth_attempt
from gristmill.runs.locations import branch_keys, frozen
from gristmill.runs.repository import find_receipt, read_failures

STREAMS_MAX = 100  # log streams in one FilterLogEvents call (Amazon CloudWatch Logs API reference)
_STATES = (JobStatus.FAILED, JobStatus.RUNNING, JobStatus.SUCCEEDED)  # the children that most likely matter come first


def follow(stack: Stack, run: Run, branch: str | None, task: int | None, patience: Patience) -> Iterator[Line]:
    """Yield the lines of all of a run's children as they come, until the run has ended and all was told."""

    def look(closed: set[str]) -> tuple[list[Stream], bool]:
        now = find_run(stack, run.run)
        if task is not None:
            return task_streams(stack, now, branch, task), now.going
        return list(_streams(stack, now, branch, closed)), now.going

    late = 0.0 if stack.target.local else LATE_SECONDS
    return Follower(lambda: stack.client("logs"), stack.output("JobLogGroupName"), look, late, patience).lines()


def streams(stack: Stack, run: Run, branch: str | None) -> list[Stream]:
    """Return the streams of a run's children, of one branch if given: at most STREAMS_MAX, failed children first."""
    return list(islice(_streams(stack, run, branch, set()), STREAMS_MAX))


def _streams(stack: Stack, run: Run, branch: str | None, closed: set[str]) -> Iterator[Stream]:
    """Yield the streams of children that are not closed; an array that has ended with all its children is closed."""
    for name, job in _jobs(stack, run, branch):
        left = False
        for child in _containers(stack.client("batch"), job, closed):
            left = True
            yield from _of_child(name, child)
        if not left and job["status"] in TERMINAL:
            closed.add(job["jobId"])


def _jobs(stack: Stack, run: Run, branch: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield labels (the branch, and the attempt from the second on) with their jobs, newest first."""
    jobs = sorted(run_jobs(stack.client("batch"), stack.queues, run.run), key=lambda job: -job["createdAt"])
    places = [] if run.record is None and run.going else _places(run, branch)  # not claimed yet
    for job in jobs:
        if run.record is None and branch is None:  # it has expired, or is not there yet: the jobs' own names tell apart
            yield job["jobName"].removeprefix(keys.job_name_prefix(run.run)), job
        for place in places:
            attempt = place.job_attempt(job["jobName"])
            if attempt is not None:
                yield _label(place.branch, attempt), job


def _label(branch: str, attempt: int) -> str:
    nth = nth_attempt(attempt)
    return branch if nth == 1 else f"{branch} attempt {nth}"


def _places(run: Run, branch: str | None) -> list[keys.BranchKeys]:
    """Return where a run's branches lie; NotFound if the one asked for is none of them."""
    record = run.record if run.record and run.record.pipeline else None
    stages = frozen(record).stages if record else []
    places = [branch_keys(record, stage.name, made.name) for stage in stages for made in stage.branches if record]
    if branch is not None and branch not in [place.branch for place in places]:
        known = ", ".join(place.branch for place in places) or "none"
        raise NotFound(f"run {run.run} has no branch {branch}.", f"It has: {known}.")
    return [place for place in places if branch in (None, place.branch)]


def _containers(batch: Any, job: dict[str, Any], closed: Container[str] = ()) -> Iterator[dict[str, Any]]:
    """Yield descriptions of a job's children or nodes, or of the job itself, without those that are closed."""
    if job["jobId"] in closed:
        return
    ids = iter([job["jobId"]])
    kind = kind_of(job)
    if kind is JobKind.ARRAY:
        ids = (child["jobId"] for state in _STATES for child in _children(batch, job["jobId"], state))
    if kind is JobKind.MULTINODE:
        ids = (f"{job['jobId']}#{index}" for index in range(job["nodeProperties"]["numNodes"]))
    yield from describe_jobs(batch, (each for each in ids if each not in closed))


def _children(batch: Any, parent: str, state: str) -> Iterator[dict[str, Any]]:
    for page in batch.get_paginator("list_jobs").paginate(arrayJobId=parent, jobStatus=state):
        yield from page["jobSummaryList"]


def _of_child(label: str, child: dict[str, Any]) -> Iterator[Stream]:
    node = child.get("nodeDetails")
    place = f"#{node['nodeIndex']}" if node else f"[{child.get('arrayProperties', {}).get('index', 0)}]"
    attempts = [tried.get("container", {}) for tried in child.get("attempts", [])]
    names = [container.get("logStreamName") for container in [*attempts, child.get("container", {})]]
    for number, name in enumerate(dict.fromkeys(name for name in names if name)):
        which = f"{label}{place}" + (f" try {number + 1}" if number else "")
        yield Stream(name, which, child["jobId"], child["status"] in TERMINAL)


def task_streams(stack: Stack, run: Run, branch: str | None, task: int) -> list[Stream]:
    """Return the streams of the children that worked on a task: those that failed at it, and those that did it."""
    labels = {job: label for place in _places(run, branch) for job, label in _workers(stack, place, task)}
    if not labels:
        raise NotFound(
            f"task {task} of run {run.run} has neither an output nor a failure.",
            f"Its child may not have committed it yet, or has died; see all: gristmill logs {run.run}",
        )
    batch = stack.client("batch")
    jobs = list(describe_jobs(batch, labels))
    if not jobs:
        raise NotFound(f"Batch has forgotten the jobs of task {task}.", "It keeps ended jobs for a few days only.")
    return [
        stream for job in jobs for child in _containers(batch, job) for stream in _of_child(labels[job["jobId"]], child)
    ]


def _workers(stack: Stack, place: keys.BranchKeys, task: int) -> Iterator[tuple[str, str]]:
    """Yield the ids of the jobs that worked on a task, with their labels."""
    for failure in read_failures(stack.store, place.task_failures(task)):
        yield failure.job_id, _label(place.branch, failure.attempt)
    spans = (span for span in committed_segments(stack.store, place) if span.first <= task < span.end)
    for receipt in filter(None, (find_receipt(stack.store, place, span) for span in spans)):
        yield receipt.job_id, _label(place.branch, receipt.attempt)


def read(stack: Stack, wanted: Iterable[Stream]) -> Iterator[Line]:
    """Yield the lines of up to STREAMS_MAX streams by time."""
    labels = {stream.name: stream.label for stream in wanted if stream.name}
    if not labels:
        return
    pages = stack.client("logs").get_paginator("filter_log_events").paginate
    where = {"logGroupName": stack.output("JobLogGroupName"), "logStreamNames": list(labels)}
    for page in pages(**where, interleaved=True):  # as AWS always does
        for event in page["events"]:
            yield line_of(event["timestamp"], labels[event["logStreamName"]], event["message"])
