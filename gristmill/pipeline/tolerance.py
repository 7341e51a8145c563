"""How many of a branch's tasks may be left out, and which branches may tolerate any."""

from collections.abc import Iterator
from fractions import Fraction

from gristmill.formats.registry import traits_of
from gristmill.limits import LEFT_OUT_MAX
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.fault import Fault, Place
from gristmill.pipeline.stage import Stage


def tolerated(branch: Branch, tasks: int) -> int:
    """Return how many of a branch's tasks may be left out: a share is rounded down, and one task must be done."""
    given = branch.tolerate
    most = given if isinstance(given, int) else int(Fraction(given.removesuffix("%")) * tasks / 100)
    return min(most, LEFT_OUT_MAX, max(tasks - 1, 0))


def tolerance_faults(place: Place, stage: Stage, branch: Branch) -> Iterator[Fault]:
    """Yield a fault where a branch that tolerates failing tasks has but one, or more than can be left out."""
    if not branch.tolerate:
        return
    one_task = "MPI" if branch.mpi is not None else f"records: {stage.split.records}"
    if branch.mpi is not None or traits_of(stage.split.records).is_one_task:
        yield (*place, "tolerate"), f"{one_task} is one task: without it nothing would be left"
    if isinstance(branch.tolerate, int) and branch.tolerate > LEFT_OUT_MAX:
        yield (*place, "tolerate"), f"at most {LEFT_OUT_MAX:,} tasks can be left out"
