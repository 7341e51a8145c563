"""Batch: compute environments, queues, job definitions."""

from typing import Any

from embedded_aws.services.cloudformation.resources.base import (
    Context,
    PhysicalResource,
    Properties,
    ResourceType,
    request,
    words,
)


def _environment(context: Context, properties: Properties) -> dict[str, Any]:
    batch = context.client("batch")
    wanted = {key: value for key, value in properties.items() if key not in ENVIRONMENT_IGNORED}
    wanted["ComputeResources"] = {k: v for k, v in wanted["ComputeResources"].items() if k not in ENVIRONMENT_IGNORED}
    name = context.name(properties.get("ComputeEnvironmentName"), longest=128)
    arguments: dict[str, Any] = request(batch, "CreateComputeEnvironment", {**wanted, "ComputeEnvironmentName": name})
    return arguments


ENVIRONMENT_IGNORED = {
    "ReplaceComputeEnvironment": "a laptop is always updated in place",
    "UpdatePolicy": "a laptop is always updated in place",
    "Ec2Configuration": "a laptop starts no hosts",
}


def _create_environment(context: Context, properties: Properties) -> PhysicalResource:
    arguments = {"serviceRole": _service_role(context), **_environment(context, properties)}
    arn = context.client("batch").create_compute_environment(**arguments)["computeEnvironmentArn"]
    return PhysicalResource(arn, {"ComputeEnvironmentArn": arn})


def _service_role(context: Context) -> str:
    return f"arn:aws:iam::{context.settings.account}:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"


def _update_environment(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    arguments, batch = _environment(context, properties), context.client("batch")
    shape = batch.meta.service_model.operation_model("UpdateComputeEnvironment").input_shape
    known = shape.members["computeResources"].members
    resources = {key: value for key, value in arguments["computeResources"].items() if key in known}
    batch.update_compute_environment(
        computeEnvironment=resource.ref, state=arguments.get("state", "ENABLED"), computeResources=resources
    )
    return resource


def _delete_environment(context: Context, resource: PhysicalResource) -> None:
    context.client("batch").update_compute_environment(computeEnvironment=resource.ref, state="DISABLED")
    context.client("batch").delete_compute_environment(computeEnvironment=resource.ref)


def _create_queue(context: Context, properties: Properties) -> PhysicalResource:
    batch, name = context.client("batch"), context.name(properties.get("JobQueueName"), longest=128)
    arguments = request(batch, "CreateJobQueue", {**properties, "JobQueueName": name})
    arn = batch.create_job_queue(**arguments)["jobQueueArn"]
    return PhysicalResource(arn, {"JobQueueArn": arn})


def _update_queue(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    batch = context.client("batch")
    wanted = {key: value for key, value in properties.items() if key not in ("JobQueueName", "Tags")}
    batch.update_job_queue(**request(batch, "UpdateJobQueue", {**wanted, "JobQueue": resource.ref}))
    return resource


def _delete_queue(context: Context, resource: PhysicalResource) -> None:
    context.client("batch").update_job_queue(jobQueue=resource.ref, state="DISABLED")
    context.client("batch").delete_job_queue(jobQueue=resource.ref)


def _register(context: Context, properties: Properties) -> PhysicalResource:
    batch, name = context.client("batch"), context.name(properties.get("JobDefinitionName"), longest=128)
    wanted = {key: value for key, value in properties.items() if key != "ResourceRetentionPolicy"}
    arguments = request(batch, "RegisterJobDefinition", {**wanted, "JobDefinitionName": name})
    arn = batch.register_job_definition(**arguments)["jobDefinitionArn"]
    return PhysicalResource(arn, {"JobDefinitionArn": arn})


RESOURCE_TYPES = {
    "AWS::Batch::ComputeEnvironment": ResourceType(
        _create_environment,
        _delete_environment,
        words("ComputeEnvironmentName Type State ComputeResources ServiceRole"),
        ENVIRONMENT_IGNORED,
        update=_update_environment,
        fixed=words("ComputeEnvironmentName"),
    ),
    "AWS::Batch::JobQueue": ResourceType(
        _create_queue,
        _delete_queue,
        words("JobQueueName State Priority ComputeEnvironmentOrder JobStateTimeLimitActions"),
        update=_update_queue,
        fixed=words("JobQueueName"),
    ),
    "AWS::Batch::JobDefinition": ResourceType(
        _register,
        lambda context, resource: context.client("batch").deregister_job_definition(jobDefinition=resource.ref),
        words(
            "JobDefinitionName Type Parameters ContainerProperties NodeProperties RetryStrategy Timeout "
            "PlatformCapabilities PropagateTags ResourceRetentionPolicy"
        ),
        leaves_old=lambda properties: bool(
            properties.get("ResourceRetentionPolicy", {}).get("SkipDeregisterOnUpdate", False)
        ),
    ),
}
