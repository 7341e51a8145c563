"""Share the tasks of a branch out over Batch jobs and their children. Pure arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass

from gristmill.enums import RecordFormat
from gristmill.limits import (
    BATCH_TIMEOUT_MIN_SECONDS,
    NODES_COME_SECONDS,
    SEGMENT_AGE_CHILDREN,
    SEGMENT_AGE_MIN,
    STAGE_CHILDREN_MAX,
)
from gristmill.pipeline.model import Branch, Pipeline, Stage
from gristmill.sharing import group_sizes

_SLACK_SECONDS = 300  # for a container's start, staging and the last segment
_LONGEST_SECONDS = 14 * 86_400  # Fargate guarantees no job beyond 14 days


def children(todo: int, branch: Branch, max_vcpus: float, branches: int = 1) -> int:
    """Return how many children a branch gets, as one of a stage's `branches`.

    As many as it wants, the tasks fill and the queue can run at once: more than those only wait, and each start costs
    more than many tasks. And no more than its share of what a stage may have.
    """
    at_once = max(1, int(max_vcpus / branch.vcpus))
    return min(todo, branch.target_children, at_once, STAGE_CHILDREN_MAX // branches)


def segment_age(children: int) -> float:
    """Return the share of a child's age that its open segment may reach, in a stage of so many children."""
    return min(1.0, max(SEGMENT_AGE_MIN, children / SEGMENT_AGE_CHILDREN))


def job_timeout(branch: Branch, tasks_per_child: int) -> int:
    """Return a job's attempt timeout in seconds: every task may take its own, and the container needs a little."""
    wanted = branch.timeout * tasks_per_child + _SLACK_SECONDS
    return max(BATCH_TIMEOUT_MIN_SECONDS, min(wanted, _LONGEST_SECONDS))


def nodes_timeout(branch: Branch) -> int:
    """Return a multi-node job's attempt timeout in seconds: its nodes keep the branch's own, once all have come."""
    return job_timeout(branch, 1) + int(NODES_COME_SECONDS)


@dataclass(frozen=True)
class BranchPlan:
    """What a branch will do: its tasks (None: not known yet), those with an output already, and its Batch jobs."""

    stage: str
    branch: str
    tasks: int | None
    reused: int
    jobs: tuple[int, ...]  # children of each Batch job
    vcpus: float  # of each child
    memory: int  # MiB of each child
    timeout: int  # seconds of one attempt of the longest job

    @property
    def todo(self) -> int | None:
        """Return how many tasks are to be done, None if that is not known yet."""
        return None if self.tasks is None else self.tasks - self.reused

    @property
    def children(self) -> int:
        """Return how many containers there will be."""
        return sum(self.jobs)


def plan_branch(stage: Stage, branch: Branch, tasks: int | None, reused: int, max_vcpus: float) -> BranchPlan:
    """Plan a branch as JobMap does; tasks that have a valid output are not done again."""
    todo = max((tasks or 0) - reused, 0)
    sizes = tuple(group_sizes(children(todo, branch, max_vcpus, len(stage.branches)))) if todo else ()
    per_child = -(-todo // sum(sizes)) if sizes else 0
    timeout = job_timeout(branch, per_child) if sizes else 0
    return BranchPlan(stage.name, branch.name, tasks, reused, sizes, branch.vcpus, branch.memory, timeout)


def stage_tasks(pipeline: Pipeline, known: Mapping[str, int]) -> dict[str, int | None]:
    """Return how many tasks each stage has; None where only the stage before it can tell. `known` are cut already."""
    found: dict[str, int | None] = {}
    for stage in pipeline.stages:
        of_parts = stage.input and stage.split.records is RecordFormat.PARTS
        single = stage.split.records in (RecordFormat.WHOLE, RecordFormat.ALL_PARTS)
        derived = 1 if single else found[_maker(pipeline, stage.input or "")] if of_parts else None
        found[stage.name] = known.get(stage.name, derived)
    return found


def basis(pipeline: Pipeline, stage: str) -> str:
    """Return what decides how many tasks a later stage has, and when that is known."""
    given, records = pipeline.stage(stage).input, pipeline.stage(stage).split.records
    maker = _maker(pipeline, given or "")
    unit = {RecordFormat.LIST: "one task per item", RecordFormat.PARTS: "one task per part"}
    return f"{unit.get(records, 'cut from the output')} of {given}, known once stage {maker} is done"


def _maker(pipeline: Pipeline, branch: str) -> str:
    return next(stage.name for stage in pipeline.stages for candidate in stage.branches if candidate.name == branch)
