"""Choose where jobs go: the queues and job definitions of the stack, by what a branch computes on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from gristmill.enums import Image, LaneName
from gristmill.errors import Refused
from gristmill.pipeline.branch import Branch
from gristmill.runs.locations import frozen
from gristmill.runs.records import RunRecord

T = TypeVar("T")


@dataclass(frozen=True)
class Lane:
    """Where the jobs of one kind of compute go: ARNs of queue and job definition, and the vCPUs behind them."""

    queue: str
    definition: str
    max_vcpus: float


def read_lanes(text: str) -> dict[LaneName, Lane]:
    """Return the lanes of the stack from the JSON that the template makes: an object of `Lane`s by their names."""
    return {LaneName(name): Lane(**lane) for name, lane in json.loads(text).items()}


def lane_of(lanes: Mapping[LaneName, T], branch: Branch, image: Image) -> T:
    """Return what a stack has for the lane of a branch's jobs; Refused where it has no such lane."""
    kind = branch.compute if branch.gpu_count else image
    name = LaneName(kind if branch.mpi is None else "mpi" if kind is Image.CPU else f"mpi-{kind}")
    if name not in lanes:
        raise Refused(
            [f"branch {branch.name} needs the lane {name}, and this stack has none"],
            "Deploy the template with MaxGpuvCpus above 0." if branch.gpu_count else "Deploy this version's template.",
        )
    return lanes[name]


def frozen_lane(lanes: Mapping[LaneName, Lane], record: RunRecord, branch: Branch) -> Lane:
    """Return where a branch's jobs go in a run, with the job definition that this was frozen with, where it was."""
    lane = lane_of(lanes, branch, frozen(record).image)
    return replace(lane, definition=record.definitions.get(branch.name, lane.definition))
