"""From a SubmitJob request to a job, an array with its children, a multi-node job with its nodes. Pure."""

import uuid

from embedded_aws.services.batch.model.model import Job, Queue
from embedded_aws.services.batch.model.nodes import container_of, overrides_of
from embedded_aws.services.batch.model.overrides import merged, needs_of
from embedded_aws.services.batch.model.resources import Definition, Json, Needs


def make_job(request: Json, queue: Queue, definition: Definition, arn_prefix: str) -> Job:
    """Return the job of a request, with an array's children or a multi-node job's nodes."""
    make = _Maker(request, queue, definition, arn_prefix)
    return make.multinode() if "nodeProperties" in definition.request else make.array_or_plain()


class _Maker:
    """Makes the jobs of one request."""

    def __init__(self, request: Json, queue: Queue, definition: Definition, arn_prefix: str) -> None:
        self._said, self._queue, self._definition = request, queue, definition
        self._arn_prefix = arn_prefix
        self._id = str(uuid.uuid4())
        self._parameters = {**definition.request.get("parameters", {}), **request.get("parameters", {})}

    def array_or_plain(self) -> Job:
        base = self._definition.request["containerProperties"]
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
        properties = self._definition.request["nodeProperties"]
        ranges = [{**group, "container": self._in_range(group)} for group in properties["nodeRangeProperties"]]
        nodes = self._said.get("nodeOverrides", {}).get("numNodes", properties["numNodes"])
        return {**properties, "numNodes": nodes, "nodeRangeProperties": ranges}

    def _in_range(self, request: Json) -> Json:
        return merged(request["container"], overrides_of(self._said, request["targetNodes"]), self._parameters)

    def _one(self, job_id: str, container: Json, needs: Needs) -> Job:
        retry = self._said.get("retryStrategy") or self._definition.request.get("retryStrategy") or {}
        timeout = self._said.get("timeout") or self._definition.request.get("timeout") or {}
        return Job(
            id=job_id,
            name=self._said["jobName"],
            arn=f"{self._arn_prefix}:job/{job_id}",
            queue=self._queue,
            definition=self._definition,
            container=container,
            needs=needs,
            request=self._said,
            timeout=timeout.get("attemptDurationSeconds"),
            tries=retry.get("attempts", 1),
            rules=retry.get("evaluateOnExit", []),
        )


def _waits(request: Json, job_id: str, index: int | None) -> set[str]:
    """Return the ids that a job, or a child of an array, waits for."""
    waits = set()
    for dependency in request.get("dependsOn", []):
        kind = dependency.get("type")
        if kind == "SEQUENTIAL":
            if index:
                waits.add(f"{job_id}:{index - 1}")
        elif kind == "N_TO_N" and index is not None:
            waits.add(f"{dependency['jobId']}:{index}")
        else:
            waits.add(dependency["jobId"])
    return waits
