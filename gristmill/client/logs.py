"""The logs of a run's children, and of the nodes of its multi-node jobs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from gristmill import keys
from gristmill.client.jobs import JobKind, kind_of
from gristmill.client.runs import Run
from gristmill.client.stack import Mill
from gristmill.cursor import nth_attempt
from gristmill.errors import NotFound
from gristmill.jobs import run_jobs
from gristmill.limits import BATCH_DESCRIBE_MAX
from gristmill.records import Failure, Receipt
from gristmill.source import frozen

STREAMS_MAX = 100  # log streams in one FilterLogEvents call (Amazon CloudWatch Logs API reference)
_STATES = ("FAILED", "RUNNING", "SUCCEEDED")  # the children that most likely matter come first


@dataclass(frozen=True)
class Stream:
    """The log stream of one attempt of a child or a node; `label` says which: `branch[2]` or `branch#1`."""

    name: str
    label: str


@dataclass(frozen=True)
class Line:
    """One line of a log."""

    at: datetime
    label: str
    text: str
    id: str


def streams(mill: Mill, run: Run, branch: str | None) -> list[Stream]:
    """Return the streams of a run's children, of one branch if given: at most STREAMS_MAX, failed children first."""
    found: list[Stream] = []
    for name, job in _jobs(mill, run, branch):
        for page in _pages(mill.client("batch"), job):
            found += [stream for child in page for stream in _of_child(name, child)]
            if len(found) >= STREAMS_MAX:
                return found[:STREAMS_MAX]
    return found


def _jobs(mill: Mill, run: Run, branch: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield labels (the branch, and the attempt from the second on) with their jobs, newest first."""
    jobs = sorted(run_jobs(mill.client("batch"), mill.queues, run.run), key=lambda job: -job["createdAt"])
    places = _places(run, branch)
    for job in jobs:
        for stage, name in places:
            attempt = keys.job_attempt(job["jobName"], run.run, stage, name)
            if attempt is not None:
                yield _label(name, attempt), job


def _label(branch: str, attempt: int) -> str:
    nth = nth_attempt(attempt)
    return branch if nth == 1 else f"{branch} attempt {nth}"


def _places(run: Run, branch: str | None) -> list[tuple[str, str]]:
    """Return stages with their branches; NotFound if the one asked for is none of them."""
    stages = frozen(run.record).stages if run.record and run.record.pipeline else []
    places = [(stage.name, one.name) for stage in stages for one in stage.branches]
    if branch is not None and branch not in [name for _, name in places]:
        known = ", ".join(name for _, name in places) or "none"
        raise NotFound(f"run {run.run} has no branch {branch}.", f"It has: {known}.")
    return [place for place in places if branch in (None, place[1])]


def _pages(batch: Any, job: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Yield descriptions of a job's children or nodes, or of the job itself."""
    ids = iter([job["jobId"]])
    kind = kind_of(job)
    if kind is JobKind.ARRAY:
        ids = (child["jobId"] for state in _STATES for child in _children(batch, job["jobId"], state))
    if kind is JobKind.MULTINODE:
        ids = (f"{job['jobId']}#{index}" for index in range(job["nodeProperties"]["numNodes"]))
    while page := list(islice(ids, BATCH_DESCRIBE_MAX)):
        yield batch.describe_jobs(jobs=page)["jobs"]


def _children(batch: Any, parent: str, state: str) -> Iterator[dict[str, Any]]:
    for page in batch.get_paginator("list_jobs").paginate(arrayJobId=parent, jobStatus=state):
        yield from page["jobSummaryList"]


def _of_child(label: str, child: dict[str, Any]) -> Iterator[Stream]:
    node = child.get("nodeDetails")
    place = f"#{node['nodeIndex']}" if node else f"[{child.get('arrayProperties', {}).get('index', 0)}]"
    attempts = [one.get("container", {}) for one in child.get("attempts", [])]
    names = [one.get("logStreamName") for one in [*attempts, child.get("container", {})]]
    for number, name in enumerate(dict.fromkeys(name for name in names if name)):
        yield Stream(name, f"{label}{place}" + (f" try {number + 1}" if number else ""))


def task_streams(mill: Mill, run: Run, branch: str | None, task: int) -> list[Stream]:
    """Return the streams of the children that worked on a task: those that failed at it, and those that did it."""
    labels = {job: label for place in _places(run, branch) for job, label in _workers(mill, run.run, *place, task)}
    if not labels:
        raise NotFound(
            f"task {task} of run {run.run} has neither an output nor a failure.",
            f"Its child may not have committed it yet, or has died; see all: gristmill logs {run.run}",
        )
    batch = mill.client("batch")
    jobs = batch.describe_jobs(jobs=list(labels)[:BATCH_DESCRIBE_MAX])["jobs"]
    if not jobs:
        raise NotFound(f"Batch has forgotten the jobs of task {task}.", "It keeps ended jobs for a few days only.")
    return [
        stream
        for job in jobs
        for page in _pages(batch, job)
        for child in page
        for stream in _of_child(labels[job["jobId"]], child)
    ]


def _workers(mill: Mill, run: str, stage: str, branch: str, task: int) -> Iterator[tuple[str, str]]:
    """Yield the ids of the jobs that worked on a task, with their labels."""
    for one in mill.store.list(keys.task_failures(run, stage, branch, task)):
        failure = Failure.model_validate_json(mill.store.read(one.key))
        yield failure.job_id, _label(branch, failure.attempt)
    for one in mill.store.list(keys.receipts(run, stage, branch)):
        span = keys.parse_span(one.key)
        if span.first <= task < span.end:
            receipt = Receipt.model_validate_json(mill.store.read(one.key))
            yield receipt.job_id, _label(branch, receipt.attempt)


def read(mill: Mill, wanted: Iterable[Stream], since: datetime | None = None) -> Iterator[Line]:
    """Yield the lines of up to STREAMS_MAX streams by time, from `since` on."""
    labels = {stream.name: stream.label for stream in wanted if stream.name}
    if not labels:
        return
    pages = (
        mill.client("logs")
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=mill.output("JobLogGroupName"),
            logStreamNames=list(labels),
            **({"startTime": int(since.timestamp() * 1000)} if since else {}),
        )
    )
    for page in pages:
        for event in page["events"]:
            at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
            yield Line(at, labels[event["logStreamName"]], event["message"].rstrip("\n"), event["eventId"])
