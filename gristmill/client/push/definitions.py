"""Job definitions of branches with a container or secrets: registered as their pipeline is pushed, or deregistered."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from botocore.exceptions import ClientError

from gristmill.batch.definitions import describe_definition, image_of
from gristmill.batch.lanes import lane_of
from gristmill.batch.registering import (
    MANAGED,
    PARAMETER,
    STACK_TAG,
    definition_name,
    own_definition,
    secret_faults,
)
from gristmill.client.stack import Stack
from gristmill.client.uncontained import uncontained
from gristmill.code.push import Code
from gristmill.code.pushed import Version
from gristmill.code.source import pipeline_of
from gristmill.errors import Refused
from gristmill.limits import BATCH_NAME_MAX
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.model import Pipeline
from gristmill.runs.code import Registered

Hear = Callable[[str], None]  # is given what the user should know
_ABSENT = ("ParameterNotFound", "ResourceNotFoundException")


def push_definitions(stack: Stack, code: Code, hear: Hear) -> dict[str, Registered]:
    """Register the job definitions that branches of a pipeline need; return them by branch.

    Refused, before anything is registered, where a secret is not there or lies where jobs may not read.
    """
    pipeline = pipeline_of(code.files, Path(code.pipeline))
    branches = _with_own(pipeline)
    if not branches:
        return {}
    faults = secret_faults(stack.name, pipeline) + _long_names(stack.name, pipeline)
    if faults:
        raise Refused(faults)
    places = _find_secrets(stack, branches)
    registered = {branch.name: _register(stack, code, pipeline, branch, places) for branch in branches}
    for warning in uncontained(pipeline, registered):
        hear(f"Warning: {warning}.")
    return registered


def are_current(stack: Stack, code: Code, version: Version) -> bool:
    """Return whether a version's job definitions were made of those that the stack has by now."""
    pipeline = pipeline_of(code.files, Path(code.pipeline))
    return all(
        branch.name in version.definitions
        and version.definitions[branch.name].base == lane_of(stack.definitions, branch, pipeline.image)
        for branch in _with_own(pipeline)
    )


def deregister(stack: Stack, version: Version) -> None:
    """Deregister the job definitions of a version, those that are still there."""
    batch, arns = stack.client("batch"), [each.arn for each in version.definitions.values()]
    known = batch.describe_job_definitions(jobDefinitions=arns)["jobDefinitions"] if arns else []
    for definition in known:
        if definition["status"] == "ACTIVE":
            batch.deregister_job_definition(jobDefinition=definition["jobDefinitionArn"])


def _with_own(pipeline: Pipeline) -> list[Branch]:
    return [branch for branch in pipeline.branches if branch.has_own_definition]


def _long_names(stack: str, pipeline: Pipeline) -> list[str]:
    names = [definition_name(stack, pipeline.name, branch.name) for branch in _with_own(pipeline)]
    return [
        f"the job definition {name} would have {len(name)} characters, of {BATCH_NAME_MAX} that Batch takes; "
        "shorten the name of the branch or the pipeline"
        for name in names
        if len(name) > BATCH_NAME_MAX
    ]


def _register(stack: Stack, code: Code, pipeline: Pipeline, branch: Branch, places: Mapping[str, str]) -> Registered:
    batch = stack.client("batch")
    base = describe_definition(batch, lane_of(stack.definitions, branch, pipeline.image))
    made = own_definition(base, branch, places, stack.output("SecretsRoleArn"))
    tags = {STACK_TAG: stack.name, "gristmill:pipeline": pipeline.name, "gristmill:code": code.digest}
    name = definition_name(stack.name, pipeline.name, branch.name)
    arn = batch.register_job_definition(jobDefinitionName=name, tags=tags, **made)["jobDefinitionArn"]
    return Registered(arn=arn, base=base["jobDefinitionArn"], image=image_of(made))


def _find_secrets(stack: Stack, branches: Sequence[Branch]) -> dict[str, str]:
    """Return where AWS finds each secret, by its name; Refused with all that are not there. No value is read."""
    wanted = {place: branch.name for branch in branches for place in branch.secrets.values()}
    found: dict[str, str] = {}
    faults = []
    for place, branch in wanted.items():
        try:
            found[place] = _find_secret(stack, place)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _ABSENT:
                raise
            faults.append(f"branch {branch}: there is no {place}; put it there: {_how(place)}")
        except Refused as refused:
            faults += refused.advice
    if faults:
        raise Refused(faults)
    return found


def _find_secret(stack: Stack, place: str) -> str:
    """Return the ARN of a secret of Secrets Manager, or a parameter's name. What is encrypted is not decrypted."""
    if place.startswith(MANAGED):
        secret = stack.client("secretsmanager").describe_secret(SecretId=place.removeprefix(MANAGED))
        return str(secret["ARN"])
    name = place.removeprefix(PARAMETER)
    kept = stack.client("ssm").get_parameter(Name=name, WithDecryption=False)["Parameter"]
    if kept["Type"] != "SecureString":
        raise Refused([f"{place} is a {kept['Type']}, which anybody can read who lists it; put it anew: {_how(place)}"])
    return name


def _how(place: str) -> str:
    if place.startswith(MANAGED):
        name = place.removeprefix(MANAGED)
        return f"aws secretsmanager create-secret --name {name} --secret-string file://FILE"
    return f"aws ssm put-parameter --type SecureString --name {place.removeprefix(PARAMETER)} --value file://FILE"
