"""Plans 10 to 10 million tasks with the planner's own code and holds the plan against the quotas of AWS.

    python -m benchmarks.scale_model [--pipeline strings] [--task-bytes 100000] [--max-vcpus 256]

Nothing is started and nothing is measured: it is a model, and its dollars are list prices. Beside it stands the
classic way: one item of an inline Map, one Batch job and one copied chunk for each task. The last column names the
quotas that a way breaks.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from os import environ
from typing import Any

from embedded_aws.settings.limits import BATCH_SUBMIT_MAX_BYTES
from gristmill import limits, state_machine
from gristmill.batch.lanes import Lane
from gristmill.cost.bill import Usage, bill, dollars
from gristmill.cost.estimate import (
    CHILD_START_SECONDS,
    REQUESTS_PER_SECOND,
    StageInput,
    StageLoad,
    estimate,
    stage_loads,
)
from gristmill.cost.load import Load, merge_requests
from gristmill.enums import Compute
from gristmill.keys import BranchKeys
from gristmill.pipeline.expects import Expects
from gristmill.pipeline.loading import load, roots
from gristmill.pipeline.model import Pipeline
from gristmill.runs.cursor import Cursor
from gristmill.steps.job_map.job_map import plan_arrays

TASKS = [10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000]
RUN = "0123456789abcdef"
COPIES_PER_SECOND = 32  # assumed: 16 copies of a part side by side, half a second each
CHUNK_ITEM_BYTES = 120  # classic: a chunk's key and range, as JSON in the state
LANE_NAME = "x" * 128  # the longest name that Batch allows


@dataclass(frozen=True)
class Scale:
    """What a way of running takes; the largest payload, job and array, and totals of the rest."""

    tasks: int
    jobs: int
    children: int
    payload: int
    payload_max: int
    submit_bytes: int
    array: int
    events: int
    requests: float
    parts: int
    function_seconds: float
    submit_seconds: float
    transitions: float
    total: float

    def broken(self) -> list[str]:
        """Return which quotas the plan breaks."""
        bounds = {
            "payload": (self.payload, self.payload_max),
            "history": (self.events, limits.HISTORY_EVENTS_MAX - 1),
            "submit": (self.submit_bytes, BATCH_SUBMIT_MAX_BYTES),
            "array": (self.array, limits.BATCH_ARRAY_MAX),
            "parts": (self.parts, limits.S3_PARTS_MAX),
            "lambda": (self.function_seconds, limits.LAMBDA_TIMEOUT_MAX_SECONDS),
        }
        return [name for name, (value, most) in bounds.items() if value > most]


def ours(pipeline: Pipeline, tasks: int, task_bytes: int, lane: Lane) -> Scale:
    """Return what Gristmill takes: the plan itself, and the estimate that a run starts with."""
    cut = StageInput(tasks, tasks * task_bytes, None)
    parameters = {name: item.default for name, item in pipeline.parameters.items() if item.default is not None}
    vcpus = dict.fromkeys(Compute, lane.max_vcpus)
    stages = list(stage_loads(pipeline, parameters, cut, vcpus))
    planned = [list(_planned(stage, lane)) for stage in stages]
    groups = [group for stage in planned for branch in stage for group in branch["groups"]]
    usage = estimate(pipeline, parameters, cut, vcpus)
    loads = [item for stage in stages for item in stage.loads]
    return Scale(
        tasks=tasks,
        jobs=len(groups),
        children=sum(group["size"] for group in groups),
        payload=max(map(_payload, planned)),
        payload_max=limits.STATE_PAYLOAD_MAX,
        submit_bytes=max((len(json.dumps(group)) for group in groups), default=0),
        array=max((group["size"] for group in groups), default=0),
        events=state_machine.RUN_EVENTS
        + sum(state_machine.attempt_events(len(stage.loads), stage.jobs) for stage in stages),
        requests=usage.s3_write + usage.s3_read,
        parts=min(limits.S3_PARTS_MAX, max((item.segments for item in loads), default=0)),  # compose() bounds an upload
        function_seconds=max(map(longest_function, stages)),
        submit_seconds=max(stage.jobs for stage in stages) / limits.BATCH_SUBMITS_PER_SECOND,
        transitions=usage.state_transition,
        total=bill(usage).total,
    )


def _planned(stage: StageLoad, lane: Lane) -> Iterator[dict[str, Any]]:
    for work in stage.loads:
        place = BranchKeys(RUN, stage.stage.name, work.branch.name, "f" * 16)
        yield plan_arrays(lane, place, limits.ATTEMPTS_MAX, work.branch, stage.cut.tasks, work.children)


def _payload(planned: list[dict[str, Any]]) -> int:
    return len(json.dumps({**Cursor(RUN, "x" * 40, 10).as_json(), "arrays": planned, "mpi": []}))


def longest_function(stage: StageLoad) -> float:
    """Return the seconds of the longest function: CheckOutput reads all receipts, Merge a branch's, and copies."""
    check = sum(item.segments for item in stage.loads) / REQUESTS_PER_SECOND
    return max(check, *map(merge_seconds, stage.loads))


def merge_seconds(load: Load) -> float:
    """Return the seconds of a Merge: its survey, its copies, and its reading of segments too small to copy."""
    copies, reads = merge_requests(load)
    return (load.segments + reads) / REQUESTS_PER_SECOND + copies / COPIES_PER_SECOND


def classic(pipeline: Pipeline, tasks: int, task_bytes: int) -> Scale:
    """Return what one Map item, one Batch job and one copied chunk for each task take."""
    branches = [branch for stage in pipeline.stages for branch in stage.branches]
    jobs, working = tasks * len(branches), tasks * task_bytes / (branches[0].expects or Expects()).bytes_per_second
    hours = sum((tasks * CHILD_START_SECONDS + working) / 3600 * branch.vcpus for branch in branches)
    gib_hours = sum((tasks * CHILD_START_SECONDS + working) / 3600 * branch.memory / 1024 for branch in branches)
    usage = Usage(
        state_transition=jobs + 6,
        lambda_request=4,
        lambda_gb_second=60,
        cpu_vcpu_hour=hours,
        cpu_gib_hour=gib_hours,
        s3_write=tasks + jobs,
        s3_read=2 * jobs,
        s3_gb_month=tasks * task_bytes * (2 + 2 * len(branches)) / limits.GIB,
        mail=1,
    )
    seconds = tasks / REQUESTS_PER_SECOND  # one function writes the chunks, another reads every output
    return Scale(
        tasks=tasks,
        jobs=jobs,
        children=jobs,
        payload=tasks * CHUNK_ITEM_BYTES,
        payload_max=limits.STATE_PAYLOAD_AWS_MAX,
        submit_bytes=1_000,
        array=1,
        events=16 + 8 * jobs,
        requests=usage.s3_write + usage.s3_read,
        parts=tasks,
        function_seconds=seconds,
        submit_seconds=jobs / limits.BATCH_SUBMITS_PER_SECOND,
        transitions=usage.state_transition,
        total=bill(usage).total,
    )


def main() -> None:
    """Print both ways for each number of tasks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipeline", default="strings")
    parser.add_argument("--task-bytes", type=int, default=100_000)
    parser.add_argument("--max-vcpus", type=float, default=256)
    arguments = parser.parse_args()
    pipeline = load(arguments.pipeline, roots(environ))
    arn = f"arn:aws:batch:us-east-1:123456789012:job-queue/{LANE_NAME}"
    lane = Lane(arn, f"{arn}:1", arguments.max_vcpus)
    bounds = f"{arguments.task_bytes:,} bytes a task, {arguments.max_vcpus:g} vCPUs at most"
    print(f"{arguments.pipeline}, {bounds}; nothing is retried\n")
    print(HEAD.format(*COLUMNS))
    for tasks in TASKS:
        print(row("gristmill", ours(pipeline, tasks, arguments.task_bytes, lane)))
        print(row("classic", classic(pipeline, tasks, arguments.task_bytes)))


COLUMNS = (
    "tasks",
    "way",
    "payload B",
    "events",
    "jobs",
    "children",
    "S3 requests",
    "transitions",
    "submit s",
    "fn s",
    "$",
)
HEAD = "{:>11} {:10}{:>14}{:>13}{:>12}{:>12}{:>13}{:>13}{:>11}{:>9}{:>14}  breaks"


def row(way: str, scale: Scale) -> str:
    """Return one line of the table."""
    counts = (scale.payload, scale.events, scale.jobs, scale.children, round(scale.requests), round(scale.transitions))
    seconds = f"{scale.submit_seconds:,.1f}", f"{scale.function_seconds:,.0f}"
    cells = (f"{scale.tasks:,}", way, *(f"{count:,}" for count in counts), *seconds, dollars(scale.total))
    return f"{HEAD.removesuffix('  breaks').format(*cells)}  {' '.join(scale.broken())}".rstrip()


if __name__ == "__main__":
    main()
