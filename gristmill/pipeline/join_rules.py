"""Rules of what a stage reads beside its input: other branches whole (`with`), or part by part (`in_step`)."""

from collections.abc import Iterator

from gristmill.enums import RecordFormat
from gristmill.pipeline.fault import Fault, Place
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.placeholders import NAMES, in_step_name
from gristmill.pipeline.stage import Stage


def join_faults(pipeline: Pipeline, place: Place, stage: Stage) -> Iterator[Fault]:
    """Yield every broken rule of a stage's joins."""
    yield from _whole(pipeline, (*place, "with"), stage)
    yield from _in_step(pipeline, (*place, "in_step"), stage)
    taken = [*stage.joined, *(in_step_name(name) for name in stage.in_step)]
    taken += pipeline.inputs if taken else []
    for name in sorted({name for name in taken if taken.count(name) > 1 or name in NAMES}):
        why = "is reserved, as all placeholders" if name in NAMES else "would stand for two files"
        yield place, f"{{{name}}} {why}; give the join another name under with"


def _whole(pipeline: Pipeline, place: Place, stage: Stage) -> Iterator[Fault]:
    able = [branch.name for before in _before(pipeline, stage) for branch in before.made if branch.is_merged]
    for join, names in stage.joined_names.items():
        for name in names:
            if name not in able:
                there = ", ".join(able) or "none"
                yield (*place, join), f"{name} is no merged branch of an earlier stage (there are: {there})"


def _in_step(pipeline: Pipeline, place: Place, stage: Stage) -> Iterator[Fault]:
    if stage.in_step and stage.split.records is not RecordFormat.PARTS:
        yield place, f"pairs parts by task number: the split needs records: parts, not {stage.split.records}"
        return
    before = _before(pipeline, stage)
    tasks = _tasks(before)
    wanted = {tasks[name] for name in stage.inputs if name in tasks}
    able = [name for name, own in tasks.items() if {own} == wanted and name not in stage.inputs]
    for number, name in enumerate(stage.in_step):
        if name not in able:
            there = f"there are: {', '.join(able) or 'none'}; one that tolerates failed tasks has its own"
            yield (*place, number), f"{name} is no other branch with the tasks of {stage.inputs[0]} ({there})"


def _before(pipeline: Pipeline, stage: Stage) -> list[Stage]:
    names = [each.name for each in pipeline.stages]
    return pipeline.stages[: names.index(stage.name)]


def _tasks(stages: list[Stage]) -> dict[str, str]:
    """Return what has decided the tasks of each branch: a stage that was cut, or a branch that may leave some out."""
    found: dict[str, str] = {}
    for stage in stages:
        of_parts = stage.split.records is RecordFormat.PARTS and len(stage.inputs) == 1
        own = found.get(stage.inputs[0], stage.name) if of_parts else stage.name
        found |= {branch.name: f"{branch.name} alone" if branch.tolerate else own for branch in stage.made}
    return found
