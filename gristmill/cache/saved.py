"""What computing a branch has cost: that much is saved each time that it is reused."""

from gristmill.cost.bill import bill
from gristmill.cost.load import Load, container_usage, request_usage
from gristmill.keys import BranchKeys
from gristmill.pipeline.branch import Branch
from gristmill.runs.findings import Counts
from gristmill.runs.usage import footprints
from gristmill.storage import Storage

_MILLISECONDS = 1000


def cost_of(store: Storage, place: BranchKeys, branch: Branch, counts: Counts) -> float:
    """Return the dollars of a branch's containers, for as long as their programs ran, and of their requests."""
    left = list(footprints(store, place))
    seconds = sum(footprint.ended - footprint.began for footprint in left) / _MILLISECONDS
    load = Load(branch, counts.tasks, counts.bytes_in, counts.bytes_out, len(left), seconds)
    return bill(container_usage(load) + request_usage(load)).total
