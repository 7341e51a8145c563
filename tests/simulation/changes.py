"""A pipeline that its author changes while a run of it is under way, and what must come of the run then."""

from dataclasses import replace
from typing import TYPE_CHECKING

from gristmill.code.source import Source
from gristmill.pipeline.branch import Branch

if TYPE_CHECKING:
    from tests.simulation.world import World

_CHANGES = {"twice": {"memory": 2048}, "back": {"run": "jobs:forth"}}  # how it is done; and what is


def changed(source: Source) -> Source:
    """Return `pairs` with one branch that is done otherwise, and one that computes something else."""

    def change(branch: Branch) -> Branch:
        return branch.model_copy(update=_CHANGES[branch.name])

    (stage,) = source.pipeline.stages
    stages = [stage.model_copy(update={"branches": [change(branch) for branch in stage.branches]})]
    return replace(source, pipeline=source.pipeline.model_copy(update={"stages": stages}))


def expect_changed(world: "World", run: str) -> None:
    """Hold a run to what the changed pipeline makes: `back` has the lines as they are."""
    drop, record = world.drops[run], world.record(run)
    assert record is not None
    body = world.bucket.objects[record.input.key].body
    right = {**drop.right, f"{drop.prefix}back.txt": lambda found: bool(found == body)}
    world.drops[run] = replace(drop, right=right)
