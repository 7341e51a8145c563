"""Lambda, Step Functions and Batch."""

import json
from typing import Any

import yaml

from gristmill.local.cloudformation.kinds.base import Kind, Made, Properties, Site, request, words

_CODE = words("S3Bucket S3Key S3ObjectVersion ZipFile")


def _code(properties: Properties) -> dict[str, Any]:
    return {key: value for key, value in properties["Code"].items() if key in _CODE}


def _function_settings(site: Site, name: str, properties: Properties) -> Any:
    settings = {key: value for key, value in properties.items() if key not in ("Code", "FunctionName", "Tags")}
    return request(site.client("lambda"), "UpdateFunctionConfiguration", {**settings, "FunctionName": name})


def _create_function(site: Site, properties: Properties) -> Made:
    name = site.name(properties.get("FunctionName"), longest=64)
    settings = _function_settings(site, name, {k: v for k, v in properties.items() if k != "Architectures"})
    more = {"Architectures": properties["Architectures"]} if "Architectures" in properties else {}
    answer = site.client("lambda").create_function(**settings, **more, Code=_code(properties))
    return Made(name, {"Arn": answer["FunctionArn"]})


def _update_function(site: Site, made: Made, properties: Properties) -> Made:
    functions = site.client("lambda")
    functions.update_function_code(FunctionName=made.ref, **_code(properties))
    settings = {k: v for k, v in properties.items() if k != "Architectures"}
    emptied = {"Layers": [], "Environment": {"Variables": {}}, "Description": ""}
    functions.update_function_configuration(**_function_settings(site, made.ref, {**emptied, **settings}))
    return made


def _publish_layer(site: Site, properties: Properties) -> Made:
    content = {key: value for key, value in properties["Content"].items() if key in _CODE}
    answer = site.client("lambda").publish_layer_version(
        LayerName=properties.get("LayerName") or site.name(longest=64),
        Description=properties.get("Description", ""),
        Content=content,
        CompatibleRuntimes=properties.get("CompatibleRuntimes", []),
    )
    return Made(answer["LayerVersionArn"], {"LayerVersionArn": answer["LayerVersionArn"]})


def _delete_layer(site: Site, made: Made) -> None:
    name, _, version = made.ref.rpartition(":")
    site.client("lambda").delete_layer_version(LayerName=name.rpartition(":")[2], VersionNumber=int(version))


def _permit(site: Site, properties: Properties) -> Made:
    statement = site.name(longest=100)
    site.client("lambda").add_permission(StatementId=statement, **properties)
    return Made(statement, {"FunctionName": properties["FunctionName"]})


def _forbid(site: Site, made: Made) -> None:
    function = made.attributes["FunctionName"]
    site.client("lambda").remove_permission(FunctionName=function, StatementId=made.ref)


def _definition(site: Site, properties: Properties) -> str:
    """Return a state machine's definition as JSON, with its substitutions made."""
    if "DefinitionS3Location" in properties:
        place = properties["DefinitionS3Location"]
        text = site.client("s3").get_object(Bucket=place["Bucket"], Key=place["Key"])["Body"].read().decode()
    else:
        text = properties.get("DefinitionString") or json.dumps(properties["Definition"])
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    return json.dumps(yaml.safe_load(text))


def _create_machine(site: Site, properties: Properties) -> Made:
    states, name = site.client("stepfunctions"), site.name(properties.get("StateMachineName"), longest=80)
    arn = states.create_state_machine(
        name=name,
        definition=_definition(site, properties),
        roleArn=properties["RoleArn"],
        type=properties.get("StateMachineType", "STANDARD"),
        **_watching(site, properties),
    )["stateMachineArn"]
    return Made(arn, {"Arn": arn, "Name": name})


def _update_machine(site: Site, made: Made, properties: Properties) -> Made:
    site.client("stepfunctions").update_state_machine(
        stateMachineArn=made.ref,
        definition=_definition(site, properties),
        roleArn=properties["RoleArn"],
        **_watching(site, properties),
    )
    return made


def _watching(site: Site, properties: Properties) -> Any:
    """Return logging and tracing in the API's words."""
    said = {"LoggingConfiguration": "loggingConfiguration", "TracingConfiguration": "tracingConfiguration"}
    given = {said[key]: properties[key] for key in said if key in properties}
    return request(site.client("stepfunctions"), "UpdateStateMachine", given)


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
    "AWS::Lambda::Function": Kind(
        _create_function,
        lambda site, made: site.client("lambda").delete_function(FunctionName=made.ref),
        words(
            "FunctionName Code Handler Role Runtime Timeout MemorySize Environment Description Layers Architectures "
            "TracingConfig LoggingConfig EphemeralStorage DeadLetterConfig"
        ),
        {"Tags": "only for people, in AWS's console"},
        update=_update_function,
        fixed=words("FunctionName"),
    ),
    "AWS::Lambda::LayerVersion": Kind(
        _publish_layer, _delete_layer, words("LayerName Description Content CompatibleRuntimes")
    ),
    "AWS::Lambda::Permission": Kind(_permit, _forbid, words("Action FunctionName Principal SourceArn")),
    "AWS::StepFunctions::StateMachine": Kind(
        _create_machine,
        lambda site, made: site.client("stepfunctions").delete_state_machine(stateMachineArn=made.ref),
        words(
            "StateMachineName DefinitionString Definition DefinitionS3Location DefinitionSubstitutions RoleArn "
            "StateMachineType LoggingConfiguration TracingConfiguration"
        ),
        {"Tags": "only for people, in AWS's console"},
        update=_update_machine,
        fixed=words("StateMachineName"),
    ),
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
