"""The Batch jobs of a run: found by name, ended, and looked at again."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gristmill import keys
from gristmill.limits import BATCH_DESCRIBE_MAX

TERMINAL = {"SUCCEEDED", "FAILED"}


def read_queues(environment: Mapping[str, str]) -> list[str]:
    """Return the ARNs of the stack's queues from QUEUES."""
    return environment["QUEUES"].split(",")


def run_jobs(batch: Any, queues: Sequence[str], run: str) -> Iterator[dict[str, Any]]:
    """Yield the summaries of a run's jobs in any state; arrays as their parents."""
    names = [{"name": "JOB_NAME", "values": [f"{keys.job_name_prefix(run)}*"]}]
    for queue in queues:
        for page in batch.get_paginator("list_jobs").paginate(jobQueue=queue, filters=names):
            yield from page["jobSummaryList"]


def live_jobs(batch: Any, queues: Sequence[str], run: str) -> list[dict[str, Any]]:
    """Return the summaries of a run's jobs that have not ended."""
    return [job for job in run_jobs(batch, queues, run) if job["status"] not in TERMINAL]


def end_jobs(batch: Any, queues: Sequence[str], run: str, reason: str) -> list[dict[str, Any]]:
    """Terminate what has not ended, children included; return what was told to end."""
    ended = live_jobs(batch, queues, run)
    for job in ended:
        batch.terminate_job(jobId=job["jobId"], reason=reason)
    return ended


def describe(batch: Any, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return jobs as DescribeJobs tells of them, by id."""
    found: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(ids), BATCH_DESCRIBE_MAX):
        answer = batch.describe_jobs(jobs=list(ids[start : start + BATCH_DESCRIBE_MAX]))
        found |= {job["jobId"]: job for job in answer["jobs"]}
    return found
