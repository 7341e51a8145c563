"""Step Functions: state machines."""

import json
from typing import Any

import yaml

from embedded_aws.services.cloudformation.resources.base import (
    Context,
    PhysicalResource,
    Properties,
    ResourceType,
    request,
    words,
)


def _definition(context: Context, properties: Properties) -> str:
    """Return a state machine's definition as JSON, with its substitutions made."""
    if "DefinitionS3Location" in properties:
        place = properties["DefinitionS3Location"]
        text = context.client("s3").get_object(Bucket=place["Bucket"], Key=place["Key"])["Body"].read().decode()
    else:
        text = properties.get("DefinitionString") or json.dumps(properties["Definition"])
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    return json.dumps(yaml.safe_load(text))


def _create_machine(context: Context, properties: Properties) -> PhysicalResource:
    states, name = context.client("stepfunctions"), context.name(properties.get("StateMachineName"), longest=80)
    arn = states.create_state_machine(
        name=name,
        definition=_definition(context, properties),
        roleArn=properties["RoleArn"],
        type=properties.get("StateMachineType", "STANDARD"),
        **_watching(context, properties),
    )["stateMachineArn"]
    return PhysicalResource(arn, {"Arn": arn, "Name": name})


def _update_machine(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    context.client("stepfunctions").update_state_machine(
        stateMachineArn=resource.ref,
        definition=_definition(context, properties),
        roleArn=properties["RoleArn"],
        **_watching(context, properties),
    )
    return resource


def _watching(context: Context, properties: Properties) -> Any:
    """Return logging and tracing in the API's words."""
    api_names = {"LoggingConfiguration": "loggingConfiguration", "TracingConfiguration": "tracingConfiguration"}
    given = {api_names[key]: properties[key] for key in api_names if key in properties}
    return request(context.client("stepfunctions"), "UpdateStateMachine", given)


RESOURCE_TYPES = {
    "AWS::StepFunctions::StateMachine": ResourceType(
        _create_machine,
        lambda context, resource: context.client("stepfunctions").delete_state_machine(stateMachineArn=resource.ref),
        words(
            "StateMachineName DefinitionString Definition DefinitionS3Location DefinitionSubstitutions RoleArn "
            "StateMachineType LoggingConfiguration TracingConfiguration"
        ),
        {"Tags": "only for people, in AWS's console"},
        update=_update_machine,
        fixed=words("StateMachineName"),
    ),
}
