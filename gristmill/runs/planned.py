"""What JobMap has planned for an attempt at a branch, frozen: a JobMap that is tried again plans the same."""

from typing import Literal

from gristmill.keys import BranchKeys
from gristmill.runs.reading import read
from gristmill.runs.schema import Count, Record
from gristmill.storage import Storage


class AttemptPlan(Record):
    """`plan-<attempt>.json`: how many containers share the tasks of a branch."""

    contract: Literal[1] = 1
    children: Count


def freeze_children(store: Storage, branch: BranchKeys, attempt: int, children: int) -> int:
    """Keep how many containers an attempt has, unless an earlier try of JobMap has; return how many that are."""
    key = branch.plan(attempt)
    planned = AttemptPlan(children=children)
    if store.put_new(key, planned.model_dump_json().encode()):
        return children
    return read(store, AttemptPlan, key).children
