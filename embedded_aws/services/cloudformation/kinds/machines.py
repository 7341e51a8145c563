"""Step Functions: state machines."""

import json
from typing import Any

import yaml

from embedded_aws.services.cloudformation.kinds.base import Kind, Made, Properties, Site, request, words


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


KINDS = {
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
}
