"""Compute environments."""

from collections.abc import Iterator

from embedded_aws.services.batch.api.common import Operation, Refusal, Room, find, is_new, named, page, refuse
from embedded_aws.services.batch.model.resources import Environment, Json

_KINDS = ("EC2", "SPOT", "FARGATE", "FARGATE_SPOT")
_STATES = ("ENABLED", "DISABLED")


class Environments(Room):
    """Operations on compute environments."""

    def operations(self) -> dict[str, Operation]:
        """Return the operations by their names in the service\'s model."""
        return {
            "CreateComputeEnvironment": self.create,
            "DescribeComputeEnvironments": self.describe,
            "UpdateComputeEnvironment": self.update,
            "DeleteComputeEnvironment": self.delete,
        }

    def create(self, request: Json) -> Json:
        """Answer CreateComputeEnvironment."""
        name = request["computeEnvironmentName"]
        is_new(self._engine.environments.values(), name)
        refuse(_problems(request))
        arn = f"{self._arn}:compute-environment/{name}"
        self._engine.environments[arn] = Environment(name, arn, request, request.get("state", "ENABLED"))
        return {"computeEnvironmentName": name, "computeEnvironmentArn": arn}

    def describe(self, request: Json) -> Json:
        """Answer DescribeComputeEnvironments."""
        found = named(self._engine.environments.values(), request.get("computeEnvironments"))
        shown, more = page(found, request)
        return {"computeEnvironments": [self._shown(environment) for environment in shown], **more}

    def _shown(self, environment: Environment) -> Json:
        health = {"status": "VALID", "statusReason": "ComputeEnvironment Healthy"}
        more = {
            "computeEnvironmentArn": environment.arn,
            "ecsClusterArn": environment.cluster,
            "containerOrchestrationType": "ECS",
        }
        return {
            **environment.request,
            "tags": environment.request.get("tags", {}),
            **more,
            **health,
            "state": environment.state,
        }

    def update(self, request: Json) -> Json:
        """Answer UpdateComputeEnvironment."""
        environment = find(self._engine.environments.values(), request["computeEnvironment"], "Compute environment")
        refuse(_state_problems(request))
        environment.state = request.get("state", environment.state)
        changed = {key: value for key, value in request.items() if key not in ("computeEnvironment", "state")}
        if "computeResources" in request:
            changed["computeResources"] = {
                **environment.request.get("computeResources", {}),
                **request["computeResources"],
            }
            changed["computeResources"].pop("updateToLatestImageVersion", None)
        environment.request = {**environment.request, **changed}
        self._engine.capacity_changed()
        return {"computeEnvironmentName": environment.name, "computeEnvironmentArn": environment.arn}

    def delete(self, request: Json) -> Json:
        """Answer DeleteComputeEnvironment."""
        environment = find(self._engine.environments.values(), request["computeEnvironment"], "Compute environment")
        if environment.state == "ENABLED":
            raise Refusal(f"Cannot delete, compute environment {environment.name} is enabled")
        if any(environment in queue.environments for queue in self._engine.queues.values()):
            raise Refusal(f"Cannot delete, found existing JobQueue relationship: {environment.name}")
        del self._engine.environments[environment.arn]
        return {}


def _problems(request: Json) -> Iterator[str]:
    yield from _state_problems(request)
    kind = request["type"]
    if kind not in ("MANAGED", "UNMANAGED"):
        yield f"type must be MANAGED or UNMANAGED: {kind}"
    resources = request.get("computeResources")
    if kind == "MANAGED" and resources is None:
        yield "computeResources must be provided for a MANAGED compute environment"
    if resources is not None and resources["type"] not in _KINDS:
        yield f"The embedded AWS has compute resources of type {', '.join(_KINDS)}: {resources['type']}"
    if resources is not None and resources["maxvCpus"] < resources.get("minvCpus", 0):
        yield f"maxvCpus must be at least minvCpus: {resources['maxvCpus']}"


def _state_problems(request: Json) -> Iterator[str]:
    if request.get("state", "ENABLED") not in _STATES:
        yield f"state must be ENABLED or DISABLED: {request['state']}"
