"""What single jobs write: the lines of an attempt, from its beginning, and on as they come."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from gristmill.client.jobs import JobKind, describe, kind_of
from gristmill.client.stack import Mill
from gristmill.errors import NotFound
from gristmill.jobs import TERMINAL

DEFAULT_GROUP = "/aws/batch/job"
_LATE = 2  # looks at the log after the job's end: CloudWatch Logs shows lines some seconds late
_PERIOD, _LOCAL_PERIOD = 2.0, 0.1  # seconds between looks


@dataclass(frozen=True)
class JobLine:
    """A line, and when it was written."""

    at: datetime
    text: str


def lines(mill: Mill, job_id: str, attempt: int | None, follow: bool) -> Iterator[JobLine]:
    """Yield the lines of an attempt, the newest one by default; with `follow` go on until the job has ended."""
    token, late = None, 0
    while True:
        job = describe(mill, [job_id])[0]
        _check_kind(job)
        stream = _stream(job, attempt)
        found, token = _read(mill, _group(job), stream, token) if stream else ([], None)
        yield from found
        if found:
            continue
        if not follow or (job["status"] in TERMINAL and late >= _LATE):
            return
        late += job["status"] in TERMINAL
        time.sleep(_LOCAL_PERIOD if mill.target.local else _PERIOD)


def _check_kind(job: dict[str, Any]) -> None:
    kind, job_id = kind_of(job), job["jobId"]
    if kind is JobKind.ARRAY:
        raise NotFound(f"{job_id} is an array, which writes nothing itself.", f"Name a child: {job_id}:0")
    if kind is JobKind.MULTINODE:
        raise NotFound(f"{job_id} is a multi-node job, which writes nothing itself.", f"Name a node: '{job_id}#0'")


def _stream(job: dict[str, Any], attempt: int | None) -> str | None:
    """Return the log stream of an attempt; None before it is there."""
    names = [one.get("container", {}).get("logStreamName") for one in job.get("attempts", [])]
    if attempt is None:
        current: str | None = job.get("container", {}).get("logStreamName")
        return current or (names[-1] if names else None)
    if not 1 <= attempt <= len(names):
        raise NotFound(f"job {job['jobId']} has no attempt {attempt}.", f"It has had {len(names)}.")
    named: str | None = names[attempt - 1]
    return named


def _group(job: dict[str, Any]) -> str:
    options = job.get("container", {}).get("logConfiguration", {}).get("options", {})
    return str(options.get("awslogs-group", DEFAULT_GROUP))


def _read(mill: Mill, group: str, stream: str, token: str | None) -> tuple[list[JobLine], str | None]:
    """Return the next lines of a stream and where to go on; a stream that is not there yet has none."""
    where = {"nextToken": token} if token else {"startFromHead": True}
    try:
        answer = mill.client("logs").get_log_events(logGroupName=group, logStreamName=stream, **where)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return [], token
        raise
    found = [JobLine(datetime.fromtimestamp(one["timestamp"] / 1000, UTC), one["message"]) for one in answer["events"]]
    return found, answer["nextForwardToken"]
