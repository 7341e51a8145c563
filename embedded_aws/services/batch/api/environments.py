"""Compute environments."""

from collections.abc import Iterator

from embedded_aws.services.batch.api.common import Operation, Refusal, Room, find, is_new, named, page, refuse
from embedded_aws.services.batch.resources import Environment, Json

_KINDS = ("EC2", "SPOT", "FARGATE", "FARGATE_SPOT")
_STATES = ("ENABLED", "DISABLED")


class Environments(Room):
    """Operations on compute environments."""

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateComputeEnvironment": self.create,
            "DescribeComputeEnvironments": self.describe,
            "UpdateComputeEnvironment": self.update,
            "DeleteComputeEnvironment": self.delete,
        }

    def create(self, said: Json) -> Json:
        name = said["computeEnvironmentName"]
        is_new(self._engine.environments.values(), name)
        refuse(_problems(said))
        arn = f"{self._arn}:compute-environment/{name}"
        self._engine.environments[arn] = Environment(name, arn, said, said.get("state", "ENABLED"))
        return {"computeEnvironmentName": name, "computeEnvironmentArn": arn}

    def describe(self, said: Json) -> Json:
        found = named(self._engine.environments.values(), said.get("computeEnvironments"))
        shown, more = page(found, said)
        return {"computeEnvironments": [self._shown(one) for one in shown], **more}

    def _shown(self, one: Environment) -> Json:
        health = {"status": "VALID", "statusReason": "ComputeEnvironment Healthy"}
        more = {"computeEnvironmentArn": one.arn, "ecsClusterArn": one.cluster, "containerOrchestrationType": "ECS"}
        return {**one.said, "tags": one.said.get("tags", {}), **more, **health, "state": one.state}

    def update(self, said: Json) -> Json:
        one = find(self._engine.environments.values(), said["computeEnvironment"], "Compute environment")
        refuse(_state_problems(said))
        one.state = said.get("state", one.state)
        changed = {key: value for key, value in said.items() if key not in ("computeEnvironment", "state")}
        if "computeResources" in said:
            changed["computeResources"] = {**one.said.get("computeResources", {}), **said["computeResources"]}
            changed["computeResources"].pop("updateToLatestImageVersion", None)
        one.said = {**one.said, **changed}
        self._engine.capacity_changed()
        return {"computeEnvironmentName": one.name, "computeEnvironmentArn": one.arn}

    def delete(self, said: Json) -> Json:
        one = find(self._engine.environments.values(), said["computeEnvironment"], "Compute environment")
        if one.state == "ENABLED":
            raise Refusal(f"Cannot delete, compute environment {one.name} is enabled")
        if any(one in queue.environments for queue in self._engine.queues.values()):
            raise Refusal(f"Cannot delete, found existing JobQueue relationship: {one.name}")
        del self._engine.environments[one.arn]
        return {}


def _problems(said: Json) -> Iterator[str]:
    yield from _state_problems(said)
    kind = said["type"]
    if kind not in ("MANAGED", "UNMANAGED"):
        yield f"type must be MANAGED or UNMANAGED: {kind}"
    resources = said.get("computeResources")
    if kind == "MANAGED" and resources is None:
        yield "computeResources must be provided for a MANAGED compute environment"
    if resources is not None and resources["type"] not in _KINDS:
        yield f"The embedded AWS has compute resources of type {', '.join(_KINDS)}: {resources['type']}"
    if resources is not None and resources["maxvCpus"] < resources.get("minvCpus", 0):
        yield f"maxvCpus must be at least minvCpus: {resources['maxvCpus']}"


def _state_problems(said: Json) -> Iterator[str]:
    if said.get("state", "ENABLED") not in _STATES:
        yield f"state must be ENABLED or DISABLED: {said['state']}"
