"""ECS's view of our compute environments: one container instance, which is this machine."""

import json
import platform
from collections.abc import Callable
from typing import Any

from moto.ecs.responses import EC2ContainerServiceResponse

from embedded_aws.machine.gpus import present
from embedded_aws.services.batch.engine.engine import Engine
from embedded_aws.services.batch.model.model import INSTANCE, PLACED
from embedded_aws.services.batch.model.resources import Json, Needs

_UNITS = 1024  # ECS's units of CPU in one vCPU


def install(engine: Engine) -> None:
    """Answer for the clusters of our environments; others are moto's."""
    for name, ours in (
        ("list_container_instances", _list),
        ("describe_container_instances", _describe),
    ):
        original = getattr(EC2ContainerServiceResponse, name)
        setattr(EC2ContainerServiceResponse, name, _answer(engine, ours, getattr(original, "original", original)))


def _answer(
    engine: Engine, ours: Callable[[Engine, str], Json], original: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    def answer(self: Any) -> Any:
        cluster = json.loads(self.body or "{}").get("cluster", "")
        if cluster not in {environment.cluster for environment in engine.environments.values()}:
            return original(self)
        with engine.lock:
            return json.dumps(ours(engine, cluster))

    answer.original = original  # type: ignore[attr-defined]
    return answer


def _arn(cluster: str) -> str:
    return f"{cluster.replace(':cluster/', ':container-instance/')}/{INSTANCE}"


def _list(engine: Engine, cluster: str) -> Json:
    return {"containerInstanceArns": [_arn(cluster)]}


def _describe(engine: Engine, cluster: str) -> Json:
    machine = engine.capacity.machine
    running = sum(len(job.nodes) or 1 for job in engine.jobs.values() if job.status in PLACED and not job.is_node)
    instance = {
        "containerInstanceArn": _arn(cluster),
        "ec2InstanceId": INSTANCE,
        "status": "ACTIVE",
        "agentConnected": True,
        "runningTasksCount": running,
        "pendingTasksCount": 0,
        "registeredResources": _resources(machine),
        "remainingResources": _resources(machine - engine.capacity.used),
        "attributes": [{"name": "ecs.instance-type", "value": f"{platform.system()} {platform.machine()}"}],
    }
    return {"containerInstances": [instance], "failures": []}


def _resources(needs: Needs) -> list[Json]:
    names = [present()[index] if index < len(present()) else f"cpu-{index}" for index in range(needs.gpus)]
    return [
        {"name": "CPU", "type": "INTEGER", "integerValue": int(needs.vcpus * _UNITS)},
        {"name": "MEMORY", "type": "INTEGER", "integerValue": needs.memory},
        {"name": "GPU", "type": "STRINGSET", "stringSetValue": names},
    ]
