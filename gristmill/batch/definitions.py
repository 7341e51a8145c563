"""The job definitions of a pipeline's branches: which revisions their jobs run by, and the images in these."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gristmill.batch.lanes import Lane, lane_of
from gristmill.enums import LaneName
from gristmill.errors import Refused
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.model import Pipeline


@dataclass(frozen=True)
class Definition:
    """A revision of a job definition, by its ARN, and the image in it."""

    arn: str
    image: str


FindDefinitions = Callable[[Pipeline], Mapping[str, Definition]]


def find_definitions(batch: Any, lanes: Mapping[LaneName, Lane], pipeline: Pipeline) -> dict[str, Definition]:
    """Return the definition of each branch as it is registered now; Refused where one is not, or there is no lane."""
    branches = [branch for stage in pipeline.stages for branch in stage.branches]
    wanted = {branch.name: _wanted(lanes, pipeline, branch) for branch in branches}
    found = {name: _find(batch, name) for name in dict.fromkeys(wanted.values())}
    return {branch: found[name] for branch, name in wanted.items()}


def _wanted(lanes: Mapping[LaneName, Lane], pipeline: Pipeline, branch: Branch) -> str:
    """Return the definition that a branch's jobs run by: the pipeline's own, or that of its lane."""
    lane = lane_of(lanes, branch, pipeline.image)
    return (pipeline.job_definition if branch.mpi is None else None) or lane.definition


def _find(batch: Any, name: str) -> Definition:
    """Return the definition of this ARN or `name:revision`, or the newest of a name."""
    plain = name.rpartition("/")[2]
    by_name: dict[str, Any] = {"jobDefinitionName": plain, "status": "ACTIVE"}
    asked = {"jobDefinitions": [name]} if ":" in plain else by_name
    pages = batch.get_paginator("describe_job_definitions").paginate(**asked)
    found = [each for page in pages for each in page["jobDefinitions"] if each["status"] == "ACTIVE"]
    if not found:
        raise Refused([f"job definition {name} is not registered"], "Register it, or deploy the stack again.")
    newest = max(found, key=lambda each: int(each["revision"]))
    return Definition(newest["jobDefinitionArn"], _image(newest))


def _image(definition: Mapping[str, Any]) -> str:
    """Return the image of a definition of one container, or of nodes that are alike; empty in any other."""
    nodes = definition.get("nodeProperties", {}).get("nodeRangeProperties", [{}])
    container = definition.get("containerProperties") or nodes[0].get("container") or {}
    return str(container.get("image", ""))
