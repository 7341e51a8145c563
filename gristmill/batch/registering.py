"""A job definition of a branch's own: the stack's, with the branch's image and secrets in it. Pure."""

from collections.abc import Mapping
from typing import Any

from gristmill.pipeline.branch import Branch
from gristmill.pipeline.model import Pipeline
from gristmill.runs.records import NO_IMAGE

STACK_TAG = "gristmill:stack"
PARAMETER, MANAGED = "ssm:", "secretsmanager:"
_TAKEN_OVER = (
    *("type", "parameters", "containerProperties", "nodeProperties", "retryStrategy", "timeout"),
    *("platformCapabilities", "propagateTags"),
)


def definition_name(stack: str, pipeline: str, branch: str) -> str:
    """Return what a branch's own job definition is called: so that a policy can name those of a stack."""
    return f"{stack}-pushed-{pipeline}-{branch}"


def secret_prefix(stack: str) -> str:
    """Return how the names of the secrets begin that jobs of a stack may have; those of parameters after a slash."""
    return f"gristmill/{stack}/"


def secret_faults(stack: str, pipeline: Pipeline) -> list[str]:
    """Return which secrets lie where this stack's jobs may not read."""
    prefix = secret_prefix(stack)
    named = [(branch.name, *secret) for branch in pipeline.branches for secret in branch.secrets.items()]
    return [
        f"branch {branch}: {variable} is {name}, and jobs of this stack have secrets below {PARAMETER}/{prefix} and "
        f"{MANAGED}{prefix} alone; put it there"
        for branch, variable, name in named
        if not name.startswith((f"{PARAMETER}/{prefix}", f"{MANAGED}{prefix}"))
    ]


def own_definition(
    base: Mapping[str, Any], branch: Branch, values: Mapping[str, str], execution_role: str
) -> dict[str, Any]:
    """Return the request that registers a branch's own definition, but for its name and tags.

    `base` is the stack's own definition, as Batch describes it; `values` has where AWS finds each secret.
    """
    made = {name: base[name] for name in _TAKEN_OVER if name in base}
    if "containerProperties" in made:
        made["containerProperties"] = _container(base["containerProperties"], branch, values, execution_role)
    else:
        nodes = base["nodeProperties"]
        groups = [
            {**group, "container": _container(group["container"], branch, values, execution_role)}
            for group in nodes["nodeRangeProperties"]
        ]
        made["nodeProperties"] = {**nodes, "nodeRangeProperties": groups}
    return made


def _container(
    base: Mapping[str, Any], branch: Branch, values: Mapping[str, str], execution_role: str
) -> dict[str, Any]:
    """Return a container with what is the branch's own; a stack whose jobs are processes has no images."""
    own = dict(base)
    if branch.container and base["image"] != NO_IMAGE:
        own["image"] = branch.container
    if branch.secrets:
        own["secrets"] = [{"name": name, "valueFrom": values[place]} for name, place in branch.secrets.items()]
        own["executionRoleArn"] = execution_role
    return own
