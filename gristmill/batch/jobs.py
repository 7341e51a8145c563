"""The Batch jobs of a run: list them by name, describe them, end them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from gristmill import keys
from gristmill.enums import JobStatus
from gristmill.humanize import past_time_limit
from gristmill.limits import BATCH_DESCRIBE_MAX
from gristmill.runs.cursor import fence_of

WAITING = (JobStatus.SUBMITTED, JobStatus.PENDING, JobStatus.RUNNABLE)
ACTIVE = (JobStatus.STARTING, JobStatus.RUNNING)
TERMINAL = (JobStatus.FAILED, JobStatus.SUCCEEDED)  # failures first, for long lists are cut
_TIMED_OUT = "Job attempt duration exceeded timeout"  # what Batch says of a job that it ended at its time limit


def read_queues(environment: Mapping[str, str]) -> list[str]:
    """Return the ARNs of the stack's queues from QUEUES."""
    return environment["QUEUES"].split(",")


def run_jobs(batch: Any, queues: Sequence[str], run: str) -> Iterator[dict[str, Any]]:
    """Yield the summaries of a run's jobs in any state; arrays as their parents."""
    names = [{"name": "JOB_NAME", "values": [f"{keys.job_name_prefix(run)}*"]}]
    for queue in queues:
        for page in batch.get_paginator("list_jobs").paginate(jobQueue=queue, filters=names):
            yield from page["jobSummaryList"]


def live_jobs(batch: Any, queues: Sequence[str], run: str, fence: int | None = None) -> list[dict[str, Any]]:
    """Return the summaries of a run's jobs that have not ended, with `fence` only those of owners up to that one."""
    living = (job for job in run_jobs(batch, queues, run) if job["status"] not in TERMINAL)
    return [job for job in living if fence is None or 1 <= _fence(job) <= fence]


def _fence(job: Mapping[str, Any]) -> int:
    """Return the fence of the owner that submitted a job, 0 where its name is none of ours."""
    named = keys.parse_job_name(job["jobName"])
    return fence_of(named.attempt) if named else 0


def end_jobs(
    batch: Any, queues: Sequence[str], run: str, reason: str, fence: int | None = None
) -> list[dict[str, Any]]:
    """Terminate the jobs that `live_jobs` returns, children included; return their summaries from before."""
    ended = live_jobs(batch, queues, run, fence)
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


def is_out_of_time(job: Mapping[str, Any]) -> bool:
    """Return whether Batch ended a job at its time limit."""
    return job.get("statusReason") == _TIMED_OUT


def end_reason(job: Mapping[str, Any], attempt: Mapping[str, Any] | None = None) -> str:
    """Return Batch's reason for the end of a job or of one of its attempts; a time limit is named with its seconds."""
    ended = job if attempt is None else attempt
    if is_out_of_time(ended):
        return past_time_limit(job.get("timeout", {}).get("attemptDurationSeconds"))
    return ended.get("statusReason") or ""


def with_time_limits(batch: Any, summaries: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the jobs of a page of ListJobs; those out of time with their `timeout`, which only DescribeJobs gives."""
    late = describe_jobs(batch, [job["jobId"] for job in summaries if is_out_of_time(job)])
    limits = {job["jobId"]: {"timeout": job["timeout"]} for job in late if "timeout" in job}
    for job in summaries:
        yield {**job, **limits.get(job["jobId"], {})}
