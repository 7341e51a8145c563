"""Queues, and the hosts behind them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gristmill.batch.jobs import TERMINAL
from gristmill.client.jobs.jobs import STATUSES, queues
from gristmill.client.stack import Stack


@dataclass(frozen=True)
class QueueLook:
    """A queue: whether it takes jobs, its environments in order, and how many jobs of each status wait or run."""

    name: str
    state: str
    status: str
    priority: int
    environments: list[str]
    jobs: dict[str, int]


@dataclass(frozen=True)
class HostLook:
    """A host: memory in MiB, `free` is what the next job may have of it."""

    instance: str
    type: str
    address: str
    status: str
    running: int
    vcpus: float
    free_vcpus: float
    memory: int
    free_memory: int
    gpus: int


def list_queues(stack: Stack) -> list[QueueLook]:
    """Return the stack's queues."""
    arns = list(queues(stack).values())
    found = stack.client("batch").describe_job_queues(jobQueues=arns)["jobQueues"]
    return [_queue(stack, queue) for queue in sorted(found, key=lambda queue: str(queue["jobQueueName"]))]


def _queue(stack: Stack, queue: dict[str, Any]) -> QueueLook:
    ordered = sorted(queue["computeEnvironmentOrder"], key=lambda environment: int(environment["order"]))
    pages = stack.client("batch").get_paginator("list_jobs").paginate
    counted = {
        status: sum(len(page["jobSummaryList"]) for page in pages(jobQueue=queue["jobQueueArn"], jobStatus=status))
        for status in STATUSES
        if status not in TERMINAL
    }
    names = [environment["computeEnvironment"].rpartition("/")[2] for environment in ordered]
    return QueueLook(queue["jobQueueName"], queue["state"], queue["status"], queue["priority"], names, counted)


def list_hosts(stack: Stack) -> list[HostLook]:
    """Return the hosts of the stack's compute environments, each once; Fargate has none to show."""
    found: dict[str, HostLook] = {}
    for cluster in _clusters(stack):
        for host in _of_cluster(stack, cluster):
            found.setdefault(host.instance, host)
    return sorted(found.values(), key=lambda host: host.instance)


def _clusters(stack: Stack) -> list[str]:
    batch = stack.client("batch")
    described = batch.describe_job_queues(jobQueues=list(queues(stack).values()))["jobQueues"]
    wanted = {
        environment["computeEnvironment"] for queue in described for environment in queue["computeEnvironmentOrder"]
    }
    known = batch.describe_compute_environments(computeEnvironments=sorted(wanted))["computeEnvironments"]
    return sorted({environment["ecsClusterArn"] for environment in known if "ecsClusterArn" in environment})


def _of_cluster(stack: Stack, cluster: str) -> Iterator[HostLook]:
    ecs = stack.client("ecs")
    for page in ecs.get_paginator("list_container_instances").paginate(cluster=cluster):
        arns = page["containerInstanceArns"]
        if arns:
            instances = ecs.describe_container_instances(cluster=cluster, containerInstances=arns)["containerInstances"]
            addresses = _addresses(stack, [instance["ec2InstanceId"] for instance in instances])
            yield from (_host(instance, addresses) for instance in instances)


def _addresses(stack: Stack, instances: list[str]) -> dict[str, str]:
    """Return the private addresses of instances; the embedded AWS has this machine alone, which is no EC2 instance."""
    if stack.target.local:
        return dict.fromkeys(instances, "127.0.0.1")
    pages = stack.client("ec2").get_paginator("describe_instances").paginate(InstanceIds=instances)
    found = (instance for page in pages for reserved in page["Reservations"] for instance in reserved["Instances"])
    return {instance["InstanceId"]: instance.get("PrivateIpAddress", "") for instance in found}


def _host(instance: dict[str, Any], addresses: dict[str, str]) -> HostLook:
    kinds = {resource["name"]: resource.get("value", "") for resource in instance.get("attributes", [])}
    whole, free = instance["registeredResources"], instance["remainingResources"]
    return HostLook(
        instance=instance["ec2InstanceId"],
        type=kinds.get("ecs.instance-type", ""),
        address=addresses.get(instance["ec2InstanceId"], ""),
        status=instance["status"],
        running=instance["runningTasksCount"],
        vcpus=_amount(whole, "CPU") / 1024,  # ECS counts 1,024 units a vCPU
        free_vcpus=_amount(free, "CPU") / 1024,
        memory=_amount(whole, "MEMORY"),
        free_memory=_amount(free, "MEMORY"),
        gpus=sum(len(resource.get("stringSetValue", [])) for resource in whole if resource["name"] == "GPU"),
    )


def _amount(resources: Iterable[dict[str, Any]], name: str) -> int:
    return next((int(resource["integerValue"]) for resource in resources if resource["name"] == name), 0)
