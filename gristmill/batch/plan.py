"""Share the tasks of a branch out over Batch jobs and their children. Pure arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Self

from gristmill.enums import Compute, RecordFormat
from gristmill.formats.registry import traits_of
from gristmill.limits import (
    BATCH_TIMEOUT_MIN_SECONDS,
    MIB,
    NODES_COME_SECONDS,
    SEGMENT_AGE_CHILDREN,
    SEGMENT_AGE_MIN,
    STAGE_CHILDREN_MAX,
)
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.stage import Stage
from gristmill.sharing import group_sizes

# A branch that does not say how many children it wants gets one for each minute of the work that it expects, twice the
# time that a container takes to start; else for so many tasks or bytes, whichever ask for more. An item, of which no
# bytes are known, is most often a file or a setting, and long work
CHILD_SECONDS, CHILD_TASKS, CHILD_ITEMS, CHILD_BYTES = 60.0, 8, 2, 8 * MIB
CHILDREN_LEAST, CHILDREN_BY_DEFAULT_MAX = 2, 1_000
_SLACK_SECONDS = 300  # for a container's start, staging and the last segment
_LONGEST_SECONDS = 14 * 86_400  # Fargate guarantees no job beyond 14 days


@dataclass(frozen=True)
class Share:
    """What a branch may have: vCPUs of its queue, as one of a stage's `branches`."""

    max_vcpus: float
    branches: int = 1

    def at_once(self, branch: Branch) -> int:
        """Return how many of the branch's containers the queue can run at once."""
        return max(1, int(self.max_vcpus / branch.vcpus))


def share_of(max_vcpus: Mapping[Compute, float], branch: Branch, branches: int) -> Share:
    """Return a branch's share; where nothing is known of its queue, that has room for all that it wants."""
    wanted = branch.target_children or CHILDREN_BY_DEFAULT_MAX * branches
    return Share(max_vcpus.get(branch.compute, branch.vcpus * wanted), branches)


@dataclass(frozen=True)
class Work:
    """Tasks to do, and the bytes that they read in all (None: not known, for they are items of a list)."""

    tasks: int
    size: int | None

    @classmethod
    def left(cls, stage: Stage, todo: int, tasks: int, size: int) -> Self:
        """Return the work of `todo` out of the `tasks` of a stage whose input has `size` bytes."""
        return cls(todo, None if traits_of(stage.split.records).is_items else size * todo // max(1, tasks))


def children(work: Work, branch: Branch, share: Share) -> int:
    """Return how many children a branch gets for its work: the least of its bounds."""
    return min(_bounds(work, branch, share).values())


def children_basis(work: Work, branch: Branch, share: Share) -> str:
    """Return what decides how many children a branch gets, in a few words."""
    bounds = _bounds(work, branch, share)
    return min(bounds, key=lambda words: bounds[words])


def _bounds(work: Work, branch: Branch, share: Share) -> dict[str, int]:
    """Return the bounds of a branch's children, by their basis in words.

    As many as it wants, the tasks fill and the queue can run at once: more than those only wait, and each start costs
    more than many tasks. And no more than its share of what a stage may have. A branch that does not say how many it
    wants gets what its work fills, and leaves room for the stage's others.
    """
    at_once = share.at_once(branch)
    if branch.target_children:
        wanted = {"target_children": branch.target_children, "what runs at once": at_once}
        return {"one a task": work.tasks, **wanted, "what a stage may have": STAGE_CHILDREN_MAX // share.branches}
    room = {"its share of what runs at once": max(1, at_once // share.branches), "the most": CHILDREN_BY_DEFAULT_MAX}
    return {"one a task": work.tasks, **dict([_filled(work, branch)]), **room}


def _filled(work: Work, branch: Branch) -> tuple[str, int]:
    """Return how many children the work fills, two at least where little is known of it, and why."""
    size = work.size or 0
    if branch.expects:
        return "the work that it expects", max(1, ceil(branch.expects.seconds(work.tasks, size) / CHILD_SECONDS))
    unit, each = ("items", CHILD_ITEMS) if work.size is None else ("tasks", CHILD_TASKS)
    by_tasks, by_bytes = ceil(work.tasks / each), ceil(size / CHILD_BYTES)
    if max(by_tasks, by_bytes) <= CHILDREN_LEAST:
        return "the least", CHILDREN_LEAST
    return (
        (f"{each} {unit} a child", by_tasks)
        if by_tasks >= by_bytes
        else (f"{CHILD_BYTES // MIB} MiB a child", by_bytes)
    )


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
    basis: str  # what decides how many children there are

    @property
    def todo(self) -> int | None:
        """Return how many tasks are to be done, None if that is not known yet."""
        return None if self.tasks is None else self.tasks - self.reused

    @property
    def children(self) -> int:
        """Return how many containers there will be."""
        return sum(self.jobs)


def plan_branch(
    stage: Stage, branch: Branch, tasks: int | None, reused: int, size: int | None, max_vcpus: Mapping[Compute, float]
) -> BranchPlan:
    """Plan a branch as JobMap does, of a stage whose input has `size` bytes.

    Tasks that have a valid output are not done again.
    """
    todo = max((tasks or 0) - reused, 0)
    work = Work.left(stage, todo, tasks or 0, size or 0)
    share = share_of(max_vcpus, branch, len(stage.branches))
    sizes = tuple(group_sizes(children(work, branch, share))) if todo else ()
    per_child = -(-todo // sum(sizes)) if sizes else 0
    timeout = job_timeout(branch, per_child) if sizes else 0
    basis = children_basis(work, branch, share) if sizes else ""
    return BranchPlan(stage.name, branch.name, tasks, reused, sizes, branch.vcpus, branch.memories[0], timeout, basis)


def stage_tasks(pipeline: Pipeline, known: Mapping[str, int]) -> dict[str, int | None]:
    """Return how many tasks each stage has; None where only the stage before it can tell. `known` are cut already."""
    found: dict[str, int | None] = {}
    for stage in pipeline.stages:
        of_parts = stage.reads and stage.split.records is RecordFormat.PARTS
        single = stage.split.records in (RecordFormat.WHOLE, RecordFormat.ALL_PARTS)
        derived = 1 if single else found[_maker(pipeline, stage.reads or "")] if of_parts else None
        found[stage.name] = known.get(stage.name, derived)
    return found


def basis(pipeline: Pipeline, stage: str) -> str:
    """Return what decides how many tasks a later stage has, and when that is known."""
    given, records = pipeline.stage(stage).reads, pipeline.stage(stage).split.records
    if given is None:
        return "cut from the dropped file, once the stages before it are done"
    maker = _maker(pipeline, given)
    unit = {RecordFormat.LIST: "one task per item", RecordFormat.PARTS: "one task per part"}
    return f"{unit.get(records, 'cut from the output')} of {given}, known once stage {maker} is done"


def _maker(pipeline: Pipeline, branch: str) -> str:
    return next(stage.name for stage in pipeline.stages for candidate in stage.made if candidate.name == branch)
