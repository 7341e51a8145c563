"""What JobMap has planned for an attempt at a branch, frozen: a JobMap that is tried again plans the same."""

from typing import Literal

from gristmill.keys import BranchKeys
from gristmill.pipeline.branch import Branch
from gristmill.runs.reading import find_readable, read
from gristmill.runs.schema import Count, Record
from gristmill.storage import Storage


class AttemptPlan(Record):
    """`plan-<attempt>.json`: how many containers share the tasks of a branch, and the MiB of memory of each."""

    contract: Literal[1] = 1
    children: Count
    memory: Count = 0  # 0: not told


def freeze_plan(store: Storage, branch: BranchKeys, attempt: int, planned: AttemptPlan) -> AttemptPlan:
    """Keep what an attempt's containers are, unless an earlier try of JobMap has; return what is kept."""
    key = branch.plan(attempt)
    if store.put_new(key, planned.model_dump_json().encode()):
        return planned
    return read(store, AttemptPlan, key)


def as_planned(store: Storage, place: BranchKeys, attempt: int, branch: Branch) -> Branch:
    """Return a branch with the memory that its containers have in an attempt, where it has several steps."""
    if len(branch.memories) == 1:
        return branch
    planned = find_readable(store, AttemptPlan, place.plan(attempt))
    return branch.with_memory(planned.memory if planned and planned.memory else branch.memories[0])
