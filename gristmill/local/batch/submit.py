"""From a SubmitJob request to a job: checks, overrides and substitution, as AWS makes them. Pure."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from gristmill.limits import BATCH_ARRAY_MAX, BATCH_ARRAY_MIN, BATCH_ATTEMPTS_MAX, BATCH_TIMEOUT_MIN_SECONDS
from gristmill.local.batch.model import Definition, Job, Json, Needs, Queue

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_LARGEST = 30 * 1024  # bytes of a request (AWS Batch user guide, service quotas)
_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")
_DEPENDENCIES_MAX = 20


def problems(said: Json, known: Any) -> Iterator[str]:
    """Yield what AWS would refuse in a request; `known` tells whether there is a job of an id."""
    if not _NAME.fullmatch(said.get("jobName", "")):
        yield f"Job name should match valid pattern: {said.get('jobName')!r}"
    if len(json.dumps(said)) > _LARGEST:
        yield f"The request has more than {_LARGEST} bytes"
    size = said.get("arrayProperties", {}).get("size")
    if size is not None and not BATCH_ARRAY_MIN <= size <= BATCH_ARRAY_MAX:
        yield f"Array size must be between {BATCH_ARRAY_MIN} and {BATCH_ARRAY_MAX}: {size}"
    if not all(isinstance(value, str) for value in said.get("parameters", {}).values()):
        yield "Parameters must be a string to string map"
    duration = said.get("timeout", {}).get("attemptDurationSeconds")
    if duration is not None and duration < BATCH_TIMEOUT_MIN_SECONDS:
        yield f"attemptDurationSeconds must be at least {BATCH_TIMEOUT_MIN_SECONDS}: {duration}"
    attempts = said.get("retryStrategy", {}).get("attempts")
    if attempts is not None and not 1 <= attempts <= BATCH_ATTEMPTS_MAX:
        yield f"Retry attempts must be between 1 and {BATCH_ATTEMPTS_MAX}: {attempts}"
    yield from _dependency_problems(said, size, known)


def _dependency_problems(said: Json, size: int | None, known: Any) -> Iterator[str]:
    dependencies = said.get("dependsOn", [])
    if len(dependencies) > _DEPENDENCIES_MAX:
        yield f"A job depends on at most {_DEPENDENCIES_MAX} jobs"
    for one in dependencies:
        if one.get("type") == "SEQUENTIAL" and (size is None or "jobId" in one):
            yield "A SEQUENTIAL dependency is for array jobs, and names no job"
        elif one.get("type") != "SEQUENTIAL" and not known(one.get("jobId")):
            yield f"Job {one.get('jobId')} does not exist"


def make_job(said: Json, queue: Queue, definition: Definition, arn_prefix: str) -> Job:
    """Return the job of a request, with an array's children."""
    job_id = str(uuid.uuid4())
    job = _one(said, queue, definition, job_id, arn_prefix)
    size = said.get("arrayProperties", {}).get("size", 0)
    for index in range(size):
        child = _one(said, queue, definition, f"{job_id}:{index}", arn_prefix)
        child.parent, child.index = job, index
        child.waits_for = _waits(said, job_id, index)
        job.children.append(child)
    job.waits_for = set() if size else _waits(said, job_id, None)
    return job


def _waits(said: Json, job_id: str, index: int | None) -> set[str]:
    """Return the ids that a job, or a child of an array, waits for."""
    waits = set()
    for one in said.get("dependsOn", []):
        kind = one.get("type")
        if kind == "SEQUENTIAL":
            if index:
                waits.add(f"{job_id}:{index - 1}")
        elif kind == "N_TO_N" and index is not None:
            waits.add(f"{one['jobId']}:{index}")
        else:
            waits.add(one["jobId"])
    return waits


def _one(said: Json, queue: Queue, definition: Definition, job_id: str, arn_prefix: str) -> Job:
    retry = said.get("retryStrategy") or definition.said.get("retryStrategy") or {}
    timeout = said.get("timeout") or definition.said.get("timeout") or {}
    container = _container(said, definition)
    return Job(
        id=job_id,
        name=said["jobName"],
        arn=f"{arn_prefix}:job/{job_id}",
        queue=queue,
        definition=definition,
        container=container,
        needs=_needs(container),
        said=said,
        timeout=timeout.get("attemptDurationSeconds"),
        tries=retry.get("attempts", 1),
        rules=retry.get("evaluateOnExit", []),
    )


def _container(said: Json, definition: Definition) -> Json:
    """Return the container of a definition with a request's overrides, its references replaced."""
    container = dict(definition.said["containerProperties"])
    overrides = said.get("containerOverrides", {})
    if overrides.get("command"):
        container["command"] = overrides["command"]
    container["environment"] = _by_name(
        container.get("environment", []), overrides.get("environment", []), "name", "value"
    )
    container["resourceRequirements"] = _by_name(
        container.get("resourceRequirements", []), overrides.get("resourceRequirements", []), "type", "value"
    )
    parameters = {**definition.said.get("parameters", {}), **said.get("parameters", {})}
    container["command"] = [substitute(word, parameters) for word in container.get("command", [])]
    return container


def _by_name(under: list[Json], over: list[Json], name: str, value: str) -> list[Json]:
    merged = {one[name]: one.get(value, "") for one in [*under, *over]}
    return [{name: key, value: text} for key, text in merged.items()]


def substitute(word: str, parameters: Json) -> str:
    """Replace each `Ref::name` that has a value; one without stays, as on AWS."""
    return _REFERENCE.sub(lambda match: parameters.get(match[1], match[0]), word)


def _needs(container: Json) -> Needs:
    asked: Json = {one["type"]: one["value"] for one in container["resourceRequirements"]}
    vcpus = float(asked.get("VCPU") or container.get("vcpus") or 1)
    return Needs(vcpus, int(asked.get("MEMORY") or container.get("memory") or 0), int(asked.get("GPU") or 0))
