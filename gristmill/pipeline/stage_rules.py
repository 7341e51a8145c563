"""Rules of a stage in `pipeline.yaml`: its input, how it is split."""

from collections.abc import Iterator

from gristmill.enums import Emptiness, RecordFormat
from gristmill.formats.registry import formats_with, traits_of
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.branch_rules import branch_faults
from gristmill.pipeline.condition import condition_faults
from gristmill.pipeline.fault import Fault, Place
from gristmill.pipeline.input_rules import cut_faults
from gristmill.pipeline.join_rules import join_faults
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.parameter_rules import size_faults
from gristmill.pipeline.stage import Split, Stage


def stage_faults(pipeline: Pipeline, number: int) -> Iterator[Fault]:
    """Yield every broken rule of a stage and its branches."""
    stage = pipeline.stages[number]
    earlier = [made for before in pipeline.stages[:number] for made in before.made]
    yield from _input(("stages", number, "input"), stage, earlier)
    if stage.when is not None:
        yield from condition_faults(pipeline, ("stages", number, "when"), stage.when)
    yield from join_faults(pipeline, ("stages", number), stage)
    yield from _split(pipeline, ("stages", number, "split"), stage.split)
    yield from cut_faults(pipeline, ("stages", number, "split"), stage)
    for place, branch in enumerate(stage.branches):
        yield from branch_faults(pipeline, ("stages", number, "branches", place), stage, branch)
        if branch.empty is Emptiness.OK and not _is_listed(branch, pipeline.stages[number + 1 :]):
            where = ("stages", number, "branches", place, "empty")
            yield where, f"ok is for a branch that a later stage reads as a list; none reads {branch.name} so"


def _is_listed(branch: Branch, later: list[Stage]) -> bool:
    listed = {name for stage in later if stage.split.records is RecordFormat.LIST for name in stage.inputs}
    return any(made.name in listed for made in branch.made)


def _input(place: Place, stage: Stage, earlier: list[Branch]) -> Iterator[Fault]:
    of_parts = traits_of(stage.split.records).of_parts
    usable = [branch.name for branch in earlier if of_parts or branch.is_merged]
    if not stage.inputs and of_parts:
        yield place, f"records: {stage.split.records} needs the branch whose parts are meant"
    for name in stage.inputs:
        if name not in usable:
            kind = "branch" if of_parts else "merged branch"
            yield place, f"{name} is no {kind} of an earlier stage (there are: {', '.join(usable) or 'none'})"
    yield from ((place, f"{name} stands there twice") for name in _twice(stage.inputs))


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _split(pipeline: Pipeline, place: Place, split: Split) -> Iterator[Fault]:
    for field in ("records_per_task", "bytes_per_task", "record_bytes"):
        yield from size_faults(pipeline, (*place, field), getattr(split, field))
    sized = [field for field in ("records_per_task", "bytes_per_task") if getattr(split, field) is not None]
    traits = traits_of(split.records)
    if not traits.is_sized and sized:
        yield (*place, sized[0]), f"records: {split.records} takes no size: a task is one of them"
    if traits.is_sized and not sized:
        yield place, "needs records_per_task or bytes_per_task"
    if split.header and not traits.has_header:
        able = " and ".join(formats_with(lambda other: other.has_header))
        yield (*place, "header"), f"is for {able}, not for {split.records}"
    if traits.has_layout != (split.record_bytes is not None):
        yield (*place, "record_bytes"), "records: fixed needs it, and no other format takes it"
    if split.header_bytes and not traits.has_layout:
        yield (*place, "header_bytes"), "is for records: fixed alone"
