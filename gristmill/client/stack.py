"""The deployed stack: its outputs, and clients of its services."""

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gristmill.client.stack_status import why_no_work
from gristmill.client.target import Target
from gristmill.enums import Compute, LaneName
from gristmill.errors import Unreachable

if TYPE_CHECKING:
    from gristmill.catalogue.table import Catalogue
    from gristmill.steps.split.claimant import RunLimits
    from gristmill.storage.s3 import S3Storage

DEFAULT_NAME = "gristmill"
DEFINITIONS = {  # outputs by lane; without GPUs a stack lacks two of them
    LaneName.CPU: "CpuJobDefinitionArn",
    LaneName.SCIENCE: "ScienceJobDefinitionArn",
    LaneName.GENOMICS: "GenomicsJobDefinitionArn",
    LaneName.GPU: "GpuJobDefinitionArn",
    LaneName.MPI: "MpiJobDefinitionArn",
    LaneName.MPI_SCIENCE: "MpiScienceJobDefinitionArn",
    LaneName.MPI_GPU: "MpiGpuJobDefinitionArn",
}
_DELETED = "DELETE_COMPLETE"
_ANOTHER = "Name Gristmill's stack with --stack, or deploy this version's template over it."


class Stack:
    """A stack at a target; clients are made when first used."""

    def __init__(
        self,
        target: Target,
        name: str,
        outputs: dict[str, str],
        status: str,
        was_updated: bool = False,
    ) -> None:
        self.target = target
        self.name = name
        self.outputs = outputs
        self.status = status
        self.was_updated = was_updated  # since it was made: it may be older than parts of it
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service, the same one each time."""
        if service not in self._clients:
            self._clients[service] = self.target.client(service)
        return self._clients[service]

    def renew(self) -> None:
        """Make clients anew, with credentials as they are now."""
        self._clients.clear()
        for made in ("store", "catalogue"):
            self.__dict__.pop(made, None)
        self.target.renew()

    @property
    def is_leaving(self) -> bool:
        """Return whether the stack is being deleted, or was in part: its state machine and queues may be gone."""
        return self.status.startswith("DELETE_")

    def require_working(self) -> None:
        """Raise Unreachable where new work could not rely on the stack, as it is being changed or deleted."""
        why_not = why_no_work(self.status)
        if why_not:
            raise Unreachable(f"stack {self.name!r} is in {self.status}: nothing new is started there.", why_not)

    def output(self, name: str) -> str:
        """Return an output; Unreachable where the stack is no Gristmill or one of another version."""
        if name not in self.outputs:
            raise Unreachable(
                f"stack {self.name} has no output {name}.",
                _ANOTHER,
            )
        return self.outputs[name]

    @cached_property
    def store(self) -> "S3Storage":
        """Return the bucket."""
        from gristmill.storage.s3 import S3Storage

        return S3Storage(self.output("BucketName"), self.client("s3"))

    @cached_property
    def catalogue(self) -> "Catalogue | None":
        """Return the catalogue of runs; None where an earlier version made the stack, or it is being deleted."""
        if self.is_leaving or "CatalogueTableName" not in self.outputs:
            return None
        from gristmill.catalogue.table import Catalogue

        return Catalogue(self.outputs["CatalogueTableName"], self.client("dynamodb"))

    @property
    def machine(self) -> str:
        """Return the state machine's ARN."""
        return self.output("StateMachineArn")

    @property
    def queues(self) -> list[str]:
        """Return the ARNs of the queues that a run's jobs wait in."""
        gpu = [self.outputs["GpuQueueArn"]] if "GpuQueueArn" in self.outputs else []  # a stack may have none
        queues = [self.output("CpuQueueArn"), self.output("MpiQueueArn"), *gpu]
        if not self.is_leaving:
            return queues
        found = self.client("batch").describe_job_queues(jobQueues=queues)["jobQueues"]
        return [queue["jobQueueArn"] for queue in found]

    @property
    def definitions(self) -> dict[LaneName, str]:
        """Return the ARN of the job definition of each lane that the stack has."""
        self.output(DEFINITIONS[LaneName.GENOMICS])
        return {lane: self.outputs[name] for lane, name in DEFINITIONS.items() if name in self.outputs}

    @property
    def capacity(self) -> dict[Compute, float]:
        """Return how many vCPUs may run at once, by the kind of compute."""
        return {Compute.CPU: float(self.output("MaxvCpus"))}

    @property
    def limits(self) -> "RunLimits":
        """Return what the stack grants a run."""
        from gristmill.steps.split.claimant import RunLimits

        return RunLimits(self.capacity, float(self.output("MaxCost")) or None, int(self.output("MaxMemory")))


def open_stack(target: Target, name: str) -> Stack:
    """Return the stack called `name`, in whatever status it is; Unreachable where there is none, or nothing of it."""
    target.probe()
    client = target.client("cloudformation")
    stack = _describe(client, name)
    if stack is None:
        raise _no_stack(target, client, name)
    status = stack["StackStatus"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    if not outputs:
        raise Unreachable(f"stack {name!r} is in {status}, and has no outputs.", why_no_work(status) or _ANOTHER)
    return Stack(target, name, outputs, status, "LastUpdatedTime" in stack)


def _describe(client: Any, name: str) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    try:
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return None
    found: dict[str, Any] = stack
    return None if found["StackStatus"] == _DELETED else found


def _no_stack(target: Target, client: Any, name: str) -> Unreachable:
    deleted = _deleted_at(client, name)
    if deleted:
        what = f"stack {name!r} at {target.describe()} was deleted at {deleted:%Y-%m-%d %H:%M:%S %Z}."
        return Unreachable(what, f"The runs that were under way ended with it, without a mail. {_deploy(target)}.")
    elsewhere = "" if target.local else " If it is in another region or account, set AWS_REGION or AWS_PROFILE."
    what = f"there is no stack {name!r} at {target.describe()}."
    return Unreachable(what, f"{_deploy(target)}, or name it: --stack.{elsewhere}")


def _deploy(target: Target) -> str:
    return "Deploy it with: gristmill deploy" if target.local else "Deploy it with: sam build && sam deploy"


def _deleted_at(client: Any, name: str) -> datetime | None:
    """Return when the last stack of that name was deleted; CloudFormation remembers 90 days."""
    pages = client.get_paginator("list_stacks").paginate(StackStatusFilter=[_DELETED])
    times = (
        summary["DeletionTime"] for page in pages for summary in page["StackSummaries"] if summary["StackName"] == name
    )
    return max(times, default=None)
