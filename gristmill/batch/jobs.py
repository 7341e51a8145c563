"""The Batch jobs of a run: list them by name, describe them, end them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from gristmill import keys
from gristmill.enums import JobStatus
from gristmill.limits import BATCH_DESCRIBE_MAX

WAITING = (JobStatus.SUBMITTED, JobStatus.PENDING, JobStatus.RUNNABLE)
ACTIVE = (JobStatus.STARTING, JobStatus.RUNNING)
TERMINAL = (JobStatus.FAILED, JobStatus.SUCCEEDED)  # failures first, for long lists are cut


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
    """Terminate the jobs that have not ended, children included; return their summaries from before."""
    ended = live_jobs(batch, queues, run)
    for job in ended:
        batch.terminate_job(jobId=job["jobId"], reason=reason)
    return ended


def describe_jobs(batch: Any, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield jobs as DescribeJobs returns them, in as few requests as it takes; jobs that it does not know are left out.

    Ids are read, and requests are made, only as far as the caller goes.
    """
    remaining = iter(ids)
    while page := list(islice(remaining, BATCH_DESCRIBE_MAX)):
        yield from batch.describe_jobs(jobs=page)["jobs"]
