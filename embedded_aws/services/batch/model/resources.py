"""What jobs are described with and run on: what they need, compute environments, policies, definitions."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Needs:
    """What a job takes of a machine; memory in MiB."""

    vcpus: float = 0
    memory: int = 0
    gpus: int = 0

    def __add__(self, other: "Needs") -> "Needs":
        return Needs(self.vcpus + other.vcpus, self.memory + other.memory, self.gpus + other.gpus)

    def __sub__(self, other: "Needs") -> "Needs":
        return Needs(self.vcpus - other.vcpus, self.memory - other.memory, self.gpus - other.gpus)

    def fits(self, room: "Needs") -> bool:
        """Return whether this fits into `room`."""
        return self.vcpus <= room.vcpus and self.memory <= room.memory and self.gpus <= room.gpus


@dataclass
class Environment:
    """A compute environment: what it was made with, and what of it is in use."""

    name: str
    arn: str
    request: Json
    state: str = "ENABLED"
    used: Needs = Needs()

    @property
    def cluster(self) -> str:
        """Return the ARN of the ECS cluster behind it."""
        return self.arn.replace(":batch:", ":ecs:").replace(":compute-environment/", ":cluster/")

    @property
    def kind(self) -> str:
        """Return EC2, SPOT, FARGATE or FARGATE_SPOT; an unmanaged environment has none."""
        return str(self.request.get("computeResources", {}).get("type", ""))

    @property
    def max_vcpus(self) -> float:
        """Return the vCPUs that may be in use at once."""
        return float(self.request.get("computeResources", {}).get("maxvCpus", 256))


@dataclass
class Policy:
    """A scheduling policy."""

    name: str
    arn: str
    request: Json


@dataclass
class Definition:
    """A revision of a job definition."""

    name: str
    arn: str
    revision: int
    request: Json
    status: str = "ACTIVE"
