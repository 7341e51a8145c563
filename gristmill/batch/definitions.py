"""The job definitions of a pipeline's branches: which revisions their jobs run by, and the images in these."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gristmill.batch.lanes import Lane, lane_of
from gristmill.enums import LaneName
from gristmill.errors import Refused
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.model import Pipeline
from gristmill.runs.code import Registered


@dataclass(frozen=True)
class Definition:
    """A revision of a job definition, by its ARN, and the image in it."""

    arn: str
    image: str


FindDefinitions = Callable[[Pipeline, Mapping[str, Registered]], Mapping[str, Definition]]


def find_definitions(
    batch: Any, lanes: Mapping[LaneName, Lane], pipeline: Pipeline, registered: Mapping[str, Registered]
) -> dict[str, Definition]:
    """Return the definition of each branch as it is registered now; Refused where one is not, or there is no lane.

    `registered` has those that a push has registered, by branch.
    """
    wanted = {branch.name: _wanted(lanes, pipeline, branch, registered) for branch in pipeline.branches}
    found = {name: find_definition(batch, name) for name in dict.fromkeys(wanted.values())}
    return {branch: found[name] for branch, name in wanted.items()}


def _wanted(
    lanes: Mapping[LaneName, Lane], pipeline: Pipeline, branch: Branch, registered: Mapping[str, Registered]
) -> str:
    """Return the definition that a branch's jobs run by: its own, the pipeline's own, or that of its lane."""
    lane = lane_of(lanes, branch, pipeline.image)
    if branch.has_own_definition:
        own = registered[branch.name]
        if own.base != lane.definition:
            fault = f"branch {branch.name}: its job definition was made before the stack's own was changed"
            raise Refused([fault], "Push the pipeline again: gristmill pipelines push FOLDER")
        return own.arn
    return (pipeline.job_definition if branch.mpi is None else None) or lane.definition


def find_definition(batch: Any, name: str) -> Definition:
    """Return the definition of this ARN or `name:revision`, or the newest of a name."""
    newest = describe_definition(batch, name)
    return Definition(newest["jobDefinitionArn"], image_of(newest))


def describe_definition(batch: Any, name: str) -> dict[str, Any]:
    """Return what Batch has of a definition, named as for `find_definition`; Refused where none is registered."""
    plain = name.rpartition("/")[2]
    by_name: dict[str, Any] = {"jobDefinitionName": plain, "status": "ACTIVE"}
    asked = {"jobDefinitions": [name]} if ":" in plain else by_name
    pages = batch.get_paginator("describe_job_definitions").paginate(**asked)
    found: list[dict[str, Any]] = [
        each for page in pages for each in page["jobDefinitions"] if each["status"] == "ACTIVE"
    ]
    if not found:
        raise Refused([f"job definition {name} is not registered"], "Register it, or deploy the stack again.")
    return max(found, key=lambda each: int(each["revision"]))


def image_of(definition: Mapping[str, Any]) -> str:
    """Return the image of a definition of one container, or of nodes that are alike; empty in any other."""
    nodes = definition.get("nodeProperties", {}).get("nodeRangeProperties", [{}])
    container = definition.get("containerProperties") or nodes[0].get("container") or {}
    return str(container.get("image", ""))
