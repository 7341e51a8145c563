"""From a SubmitJob request to a job: checks, overrides and substitution, as AWS makes them. Pure."""

import json
import re
import uuid
from collections.abc import Iterator, Mapping

from gristmill.limits import (
    BATCH_ARRAY_MAX,
    BATCH_ARRAY_MIN,
    BATCH_DEPENDENCIES_MAX,
    BATCH_SUBMIT_MAX_BYTES,
    BATCH_TAGS_MAX,
)
from gristmill.local.batch.model import Definition, Job, Json, Needs, Queue
from gristmill.local.batch.nodes import container_of, overrides_of
from gristmill.local.batch.requirements import override_problems, retry_problems, timeout_problems

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_SHARE = re.compile(r"[A-Za-z0-9]{1,255}\*?")
_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")
_HIGHEST_PRIORITY = 9999


def problems(said: Json, queue: Queue, known: Mapping[str, Job]) -> Iterator[str]:
    """Yield what AWS would refuse in a request; `known` are the jobs there are, by id."""
    if not _NAME.fullmatch(said["jobName"]):
        yield f"Job name should match valid pattern: {said['jobName']!r}"
    if len(json.dumps(said)) > BATCH_SUBMIT_MAX_BYTES:
        yield f"The request has more than {BATCH_SUBMIT_MAX_BYTES} bytes"
    if len(said.get("tags", {})) > BATCH_TAGS_MAX:
        yield f"A job has at most {BATCH_TAGS_MAX} tags: {len(said['tags'])}"
    size = said.get("arrayProperties", {}).get("size")
    if size is not None and not BATCH_ARRAY_MIN <= size <= BATCH_ARRAY_MAX:
        yield f"Array size must be between {BATCH_ARRAY_MIN} and {BATCH_ARRAY_MAX}: {size}"
    yield from override_problems(said.get("containerOverrides", {}))
    yield from timeout_problems(said.get("timeout", {}))
    yield from retry_problems(said.get("retryStrategy", {}))
    yield from _share_problems(said, queue)
    yield from _dependency_problems(said, size, known)


def _share_problems(said: Json, queue: Queue) -> Iterator[str]:
    share, priority = said.get("shareIdentifier"), said.get("schedulingPriorityOverride")
    if queue.policy is None and share is not None:
        yield f"shareIdentifier is for job queues with a scheduling policy; {queue.name} has none"
    if queue.policy is not None and share is None:
        yield f"shareIdentifier must be specified: job queue {queue.name} has a scheduling policy"
    if share is not None and not _SHARE.fullmatch(share):
        yield f"shareIdentifier has up to 255 letters and digits: {share!r}"
    if priority is not None and not 0 <= priority <= _HIGHEST_PRIORITY:
        yield f"schedulingPriorityOverride must be between 0 and {_HIGHEST_PRIORITY}: {priority}"


def _dependency_problems(said: Json, size: int | None, known: Mapping[str, Job]) -> Iterator[str]:
    dependencies = said.get("dependsOn", [])
    if len(dependencies) > BATCH_DEPENDENCIES_MAX:
        yield f"A job depends on at most {BATCH_DEPENDENCIES_MAX} jobs"
    for one in dependencies:
        kind, other = one.get("type"), known.get(one.get("jobId", ""))
        if kind == "SEQUENTIAL":
            if size is None or "jobId" in one:
                yield "A SEQUENTIAL dependency is for array jobs, and names no job"
        elif other is None:
            yield f"Job {one.get('jobId')} does not exist"
        elif kind == "N_TO_N" and not (size and len(other.children) == size):
            yield f"N_TO_N is between arrays of one size: {size}, and {other.id} has {len(other.children)}"


def make_job(said: Json, queue: Queue, definition: Definition, arn_prefix: str) -> Job:
    """Return the job of a request, with an array's children or a multi-node job's nodes."""
    make = _Maker(said, queue, definition, arn_prefix)
    return make.multinode() if "nodeProperties" in definition.said else make.array_or_plain()


class _Maker:
    """Makes the jobs of one request."""

    def __init__(self, said: Json, queue: Queue, definition: Definition, arn_prefix: str) -> None:
        self._said, self._queue, self._definition = said, queue, definition
        self._arn_prefix = arn_prefix
        self._id = str(uuid.uuid4())
        self._parameters = {**definition.said.get("parameters", {}), **said.get("parameters", {})}

    def array_or_plain(self) -> Job:
        base = self._definition.said["containerProperties"]
        container = merged(base, self._said.get("containerOverrides", {}), self._parameters)
        job = self._one(self._id, container, needs_of(container))
        size = self._said.get("arrayProperties", {}).get("size") or 0
        for index in range(size):
            child = self._one(f"{self._id}:{index}", container, job.needs)
            child.parent, child.index = job, index
            child.waits_for = _waits(self._said, self._id, index)
            job.children.append(child)
        job.waits_for = set() if size else _waits(self._said, self._id, None)
        return job

    def multinode(self) -> Job:
        properties = self._node_properties()
        containers = [container_of(properties, index) for index in range(properties["numNodes"])]
        job = self._one(self._id, {}, sum(map(needs_of, containers), Needs()))
        job.node_properties, job.main_node = properties, properties["mainNode"]
        for index, container in enumerate(containers):
            node = self._one(f"{self._id}#{index}", container, needs_of(container))
            node.parent, node.index = job, index
            job.nodes.append(node)
        job.waits_for = _waits(self._said, self._id, None)
        return job

    def _node_properties(self) -> Json:
        """Return the definition's node properties with the request's overrides, references replaced."""
        properties = self._definition.said["nodeProperties"]
        ranges = [{**one, "container": self._in_range(one)} for one in properties["nodeRangeProperties"]]
        nodes = self._said.get("nodeOverrides", {}).get("numNodes", properties["numNodes"])
        return {**properties, "numNodes": nodes, "nodeRangeProperties": ranges}

    def _in_range(self, said: Json) -> Json:
        return merged(said["container"], overrides_of(self._said, said["targetNodes"]), self._parameters)

    def _one(self, job_id: str, container: Json, needs: Needs) -> Job:
        retry = self._said.get("retryStrategy") or self._definition.said.get("retryStrategy") or {}
        timeout = self._said.get("timeout") or self._definition.said.get("timeout") or {}
        return Job(
            id=job_id,
            name=self._said["jobName"],
            arn=f"{self._arn_prefix}:job/{job_id}",
            queue=self._queue,
            definition=self._definition,
            container=container,
            needs=needs,
            said=self._said,
            timeout=timeout.get("attemptDurationSeconds"),
            tries=retry.get("attempts", 1),
            rules=retry.get("evaluateOnExit", []),
        )


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


def merged(base: Json, overrides: Json, parameters: Json) -> Json:
    """Return the container of a definition with a request's overrides, its references replaced."""
    container = dict(base)
    if overrides.get("command"):
        container["command"] = overrides["command"]
    container["environment"] = _by_name(
        container.get("environment", []), overrides.get("environment", []), "name", "value"
    )
    container["resourceRequirements"] = _by_name(
        container.get("resourceRequirements", []), overrides.get("resourceRequirements", []), "type", "value"
    )
    for name, kind in (("vcpus", "VCPU"), ("memory", "MEMORY")):
        # the old members count only where the definition uses them too (API reference, ContainerOverrides)
        if overrides.get(name) and kind not in {one["type"] for one in base.get("resourceRequirements", [])}:
            container[name] = overrides[name]
    container["command"] = [substitute(word, parameters) for word in container.get("command", [])]
    return container


def _by_name(under: list[Json], over: list[Json], name: str, value: str) -> list[Json]:
    merged = {one[name]: one.get(value, "") for one in [*under, *over]}
    return [{name: key, value: text} for key, text in merged.items()]


def substitute(word: str, parameters: Json) -> str:
    """Replace each `Ref::name` that has a value; one without stays, as on AWS."""
    return _REFERENCE.sub(lambda match: parameters.get(match[1], match[0]), word)


def needs_of(container: Json) -> Needs:
    """Return what a container asks for."""
    asked: Json = {one["type"]: one["value"] for one in container["resourceRequirements"]}
    vcpus = float(asked.get("VCPU") or container.get("vcpus") or 1)
    return Needs(vcpus, int(asked.get("MEMORY") or container.get("memory") or 0), int(asked.get("GPU") or 0))
