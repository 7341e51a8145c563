"""Batch: compute environments, queues, job definitions."""

from typing import Any

from embedded_aws.services.cloudformation.kinds.base import Kind, Made, Properties, Site, request, words


def _environment(site: Site, properties: Properties) -> dict[str, Any]:
    batch = site.client("batch")
    wanted = {key: value for key, value in properties.items() if key not in ENVIRONMENT_IGNORED}
    wanted["ComputeResources"] = {k: v for k, v in wanted["ComputeResources"].items() if k not in ENVIRONMENT_IGNORED}
    name = site.name(properties.get("ComputeEnvironmentName"), longest=128)
    said: dict[str, Any] = request(batch, "CreateComputeEnvironment", {**wanted, "ComputeEnvironmentName": name})
    return said


ENVIRONMENT_IGNORED = {
    "ReplaceComputeEnvironment": "a laptop is always updated in place",
    "UpdatePolicy": "a laptop is always updated in place",
    "Ec2Configuration": "a laptop starts no hosts",
}


def _create_environment(site: Site, properties: Properties) -> Made:
    said = {"serviceRole": _service_role(site), **_environment(site, properties)}
    arn = site.client("batch").create_compute_environment(**said)["computeEnvironmentArn"]
    return Made(arn, {"ComputeEnvironmentArn": arn})


def _service_role(site: Site) -> str:
    return f"arn:aws:iam::{site.settings.account}:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"


def _update_environment(site: Site, made: Made, properties: Properties) -> Made:
    said, batch = _environment(site, properties), site.client("batch")
    shape = batch.meta.service_model.operation_model("UpdateComputeEnvironment").input_shape
    known = shape.members["computeResources"].members
    resources = {key: value for key, value in said["computeResources"].items() if key in known}
    batch.update_compute_environment(
        computeEnvironment=made.ref, state=said.get("state", "ENABLED"), computeResources=resources
    )
    return made


def _delete_environment(site: Site, made: Made) -> None:
    site.client("batch").update_compute_environment(computeEnvironment=made.ref, state="DISABLED")
    site.client("batch").delete_compute_environment(computeEnvironment=made.ref)


def _create_queue(site: Site, properties: Properties) -> Made:
    batch, name = site.client("batch"), site.name(properties.get("JobQueueName"), longest=128)
    said = request(batch, "CreateJobQueue", {**properties, "JobQueueName": name})
    arn = batch.create_job_queue(**said)["jobQueueArn"]
    return Made(arn, {"JobQueueArn": arn})


def _update_queue(site: Site, made: Made, properties: Properties) -> Made:
    batch = site.client("batch")
    wanted = {key: value for key, value in properties.items() if key not in ("JobQueueName", "Tags")}
    batch.update_job_queue(**request(batch, "UpdateJobQueue", {**wanted, "JobQueue": made.ref}))
    return made


def _delete_queue(site: Site, made: Made) -> None:
    site.client("batch").update_job_queue(jobQueue=made.ref, state="DISABLED")
    site.client("batch").delete_job_queue(jobQueue=made.ref)


def _register(site: Site, properties: Properties) -> Made:
    batch, name = site.client("batch"), site.name(properties.get("JobDefinitionName"), longest=128)
    said = request(batch, "RegisterJobDefinition", {**properties, "JobDefinitionName": name})
    arn = batch.register_job_definition(**said)["jobDefinitionArn"]
    return Made(arn, {"JobDefinitionArn": arn})


KINDS = {
    "AWS::Batch::ComputeEnvironment": Kind(
        _create_environment,
        _delete_environment,
        words("ComputeEnvironmentName Type State ComputeResources ServiceRole"),
        ENVIRONMENT_IGNORED,
        update=_update_environment,
        fixed=words("ComputeEnvironmentName"),
    ),
    "AWS::Batch::JobQueue": Kind(
        _create_queue,
        _delete_queue,
        words("JobQueueName State Priority ComputeEnvironmentOrder JobStateTimeLimitActions"),
        update=_update_queue,
        fixed=words("JobQueueName"),
    ),
    "AWS::Batch::JobDefinition": Kind(
        _register,
        lambda site, made: site.client("batch").deregister_job_definition(jobDefinition=made.ref),
        words(
            "JobDefinitionName Type Parameters ContainerProperties NodeProperties RetryStrategy Timeout "
            "PlatformCapabilities PropagateTags"
        ),
    ),
}
