"""What AWS refuses in a SubmitJob request. Pure."""

import json
import re
from collections.abc import Iterator, Mapping

from embedded_aws.services.batch.model.model import Job, Queue
from embedded_aws.services.batch.model.requirements import override_problems, retry_problems, timeout_problems
from embedded_aws.services.batch.model.resources import Json
from embedded_aws.settings.limits import (
    BATCH_ARRAY_MAX,
    BATCH_ARRAY_MIN,
    BATCH_DEPENDENCIES_MAX,
    BATCH_NAME_MAX,
    BATCH_SUBMIT_MAX_BYTES,
    BATCH_TAGS_MAX,
)

_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{BATCH_NAME_MAX - 1}}}")
_SHARE = re.compile(r"[A-Za-z0-9]{1,255}\*?")
_HIGHEST_PRIORITY = 9999


def problems(request: Json, queue: Queue, known: Mapping[str, Job]) -> Iterator[str]:
    """Yield what AWS would refuse in a request; `known` are the jobs there are, by id."""
    if not _NAME.fullmatch(request["jobName"]):
        yield f"Job name should match valid pattern: {request['jobName']!r}"
    if len(json.dumps(request)) > BATCH_SUBMIT_MAX_BYTES:
        yield f"The request has more than {BATCH_SUBMIT_MAX_BYTES} bytes"
    if len(request.get("tags", {})) > BATCH_TAGS_MAX:
        yield f"A job has at most {BATCH_TAGS_MAX} tags: {len(request['tags'])}"
    size = request.get("arrayProperties", {}).get("size")
    if size is not None and not BATCH_ARRAY_MIN <= size <= BATCH_ARRAY_MAX:
        yield f"Array size must be between {BATCH_ARRAY_MIN} and {BATCH_ARRAY_MAX}: {size}"
    yield from override_problems(request.get("containerOverrides", {}))
    yield from timeout_problems(request.get("timeout", {}))
    yield from retry_problems(request.get("retryStrategy", {}))
    yield from _share_problems(request, queue)
    yield from _dependency_problems(request, size, known)


def _share_problems(request: Json, queue: Queue) -> Iterator[str]:
    share, priority = request.get("shareIdentifier"), request.get("schedulingPriorityOverride")
    if queue.policy is None and share is not None:
        yield f"shareIdentifier is for job queues with a scheduling policy; {queue.name} has none"
    if queue.policy is not None and share is None:
        yield f"shareIdentifier must be specified: job queue {queue.name} has a scheduling policy"
    if share is not None and not _SHARE.fullmatch(share):
        yield f"shareIdentifier has up to 255 letters and digits: {share!r}"
    if priority is not None and not 0 <= priority <= _HIGHEST_PRIORITY:
        yield f"schedulingPriorityOverride must be between 0 and {_HIGHEST_PRIORITY}: {priority}"


def _dependency_problems(request: Json, size: int | None, known: Mapping[str, Job]) -> Iterator[str]:
    dependencies = request.get("dependsOn", [])
    if len(dependencies) > BATCH_DEPENDENCIES_MAX:
        yield f"A job depends on at most {BATCH_DEPENDENCIES_MAX} jobs"
    for dependency in dependencies:
        kind, other = dependency.get("type"), known.get(dependency.get("jobId", ""))
        if kind == "SEQUENTIAL":
            if size is None or "jobId" in dependency:
                yield "A SEQUENTIAL dependency is for array jobs, and names no job"
        elif other is None:
            yield f"Job {dependency.get('jobId')} does not exist"
        elif kind == "N_TO_N" and not (size and len(other.children) == size):
            yield f"N_TO_N is between arrays of one size: {size}, and {other.id} has {len(other.children)}"
