"""Jobs, their attempts, and the queues they wait in."""

import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum, unique

from embedded_aws.services.batch.model.resources import Definition, Environment, Json, Needs


@unique
class Status(StrEnum):
    """The states of a Batch job, in the order of its life."""

    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


TERMINAL = {Status.SUCCEEDED, Status.FAILED}
LOOPBACK = "127.0.0.1"
INSTANCE = "i-00000000000000000"  # this machine is no EC2 instance
PLACED = {Status.STARTING, Status.RUNNING}


def now() -> int:
    """Return the time as Batch tells it: Unix milliseconds."""
    return int(time.time() * 1000)


@dataclass
class Queue:
    """A job queue, its environments in order, and the jobs that wait in it."""

    name: str
    arn: str
    request: Json
    environments: list[Environment]
    state: str = "ENABLED"
    priority: int = 1
    waiting: "dict[str, Job]" = field(default_factory=dict)  # RUNNABLE jobs in the order they came
    blocked_by: str = ""  # the job at its head that blocked it last

    @property
    def policy(self) -> str | None:
        """Return the ARN of its scheduling policy; None where it is first in, first out."""
        return self.request.get("schedulingPolicyArn")

    def limit(self, reason: str) -> float | None:
        """Return the seconds that a job may wait in RUNNABLE for a reason; None: for ever."""
        for action in self.request.get("jobStateTimeLimitActions", []):
            if reason.startswith(action["reason"]):
                return float(action["maxTimeSeconds"])
        return None


@dataclass
class Attempt:
    """One try of a job: times in Unix milliseconds."""

    log_stream: str
    started: int
    stopped: int | None = None
    exit_code: int | None = None
    reason: str = ""
    status_reason: str = ""
    is_timed_out: bool = False
    is_lost: bool = False  # with a part of the embedded AWS, as on AWS with its host


@dataclass(eq=False)
class Job:
    """A plain job, an array's parent or one of its children, a multi-node job or one of its nodes."""

    id: str
    name: str
    arn: str
    queue: Queue
    definition: Definition
    container: Json  # after overrides and substitution
    needs: Needs  # of a multi-node job: those of all its nodes together
    request: Json  # the request
    timeout: int | None = None
    tries: int = 1
    rules: list[Json] = field(default_factory=list)
    parent: "Job | None" = None  # of a child its array, of a node its multi-node job
    index: int | None = None  # of a child in its array, of a node in its multi-node job
    children: "list[Job]" = field(default_factory=list)
    nodes: "list[Job]" = field(default_factory=list)
    node_properties: Json | None = None  # of a multi-node job, after overrides and substitution
    main_node: int = 0
    status: Status = Status.SUBMITTED
    status_reason: str = ""
    created: int = field(default_factory=now)
    runnable_at: int = 0
    started: int | None = None
    stopped: int | None = None
    attempts: list[Attempt] = field(default_factory=list)
    waits_for: set[str] = field(default_factory=set)
    summary: "Counter[str]" = field(default_factory=Counter)  # an array's children by status
    summarized_at: int = 0  # when `summary` changed last
    ended_by: str | None = None  # the reason of a terminate or cancel
    is_terminated: bool = False
    is_cancelled: bool = False
    environment: Environment | None = None  # where it is placed
    gpus: tuple[int, ...] = ()
    address: str = LOOPBACK  # of its newest attempt

    @property
    def is_array(self) -> bool:
        """Return whether this is an array's parent, which itself runs nothing."""
        return bool(self.children)

    @property
    def is_multinode(self) -> bool:
        """Return whether this is a multi-node job, whose nodes run."""
        return bool(self.nodes)

    @property
    def is_child(self) -> bool:
        """Return whether this is a child of an array."""
        return self.parent is not None and self.parent.is_array

    @property
    def is_node(self) -> bool:
        """Return whether this is a node of a multi-node job."""
        return self.parent is not None and self.parent.is_multinode

    @property
    def main(self) -> "Job":
        """Return what decides how an attempt ends: the main node, or the job itself."""
        return self.nodes[self.main_node] if self.nodes else self
