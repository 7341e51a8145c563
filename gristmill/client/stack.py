"""The deployed stack: its outputs, and clients of its services."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from gristmill.client.target import Target
from gristmill.errors import Unreachable
from gristmill.words import Compute

if TYPE_CHECKING:
    from gristmill.claim import Terms
    from gristmill.store import Store

DEFAULT_NAME = "gristmill"


class Mill:
    """A stack at a target; clients are made when first used."""

    def __init__(self, target: Target, name: str, outputs: dict[str, str]) -> None:
        self.target = target
        self.name = name
        self.outputs = outputs
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service, the same one each time."""
        if service not in self._clients:
            self._clients[service] = self.target.client(service)
        return self._clients[service]

    def output(self, name: str) -> str:
        """Return an output; Unreachable where the stack is no Gristmill or one of another version."""
        if name not in self.outputs:
            raise Unreachable(
                f"stack {self.name} has no output {name}.",
                "Name Gristmill's stack with --stack, or deploy this version's template over it.",
            )
        return self.outputs[name]

    @cached_property
    def store(self) -> "Store":
        """Return the bucket."""
        from gristmill.store import Store

        return Store(self.output("BucketName"), self.client("s3"))

    @property
    def machine(self) -> str:
        """Return the state machine's ARN."""
        return self.output("StateMachineArn")

    @property
    def queues(self) -> list[str]:
        """Return the ARNs of the queues that a run's jobs wait in."""
        gpu = [self.outputs["GpuQueueArn"]] if "GpuQueueArn" in self.outputs else []  # a stack may have none
        return [self.output("CpuQueueArn"), self.output("MpiQueueArn"), *gpu]

    @property
    def capacity(self) -> dict[Compute, float]:
        """Return how many vCPUs may run at once, by the kind of compute."""
        return {Compute.CPU: float(self.output("MaxvCpus"))}

    @property
    def terms(self) -> "Terms":
        """Return what the stack grants a run."""
        from gristmill.claim import Terms

        return Terms(self.capacity, float(self.output("MaxCost")) or None)


def open_mill(target: Target, name: str) -> Mill:
    """Return the stack called `name`; Unreachable where there is none, or it is not fit for use."""
    from botocore.exceptions import ClientError

    target.probe()
    mend = "Deploy it with: gristmill deploy" if target.local else "Deploy it with: sam build && sam deploy"
    try:
        (stack,) = target.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        what = f"there is no stack {name!r} at {target.describe()}."
        raise Unreachable(what, f"{mend}, or name it: --stack") from error
    if not stack["StackStatus"].endswith("_COMPLETE") or stack["StackStatus"] == "DELETE_COMPLETE":
        what = f"stack {name!r} is in {stack['StackStatus']}."
        raise Unreachable(what, "Wait until it is complete, or deploy it again.")
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
    return Mill(target, name, outputs)
