"""Rules of a stage in `pipeline.yaml`: its input, how it is split."""

from collections.abc import Iterator

from gristmill.formats.registry import formats_with, traits_of
from gristmill.pipeline.branch_rules import branch_faults
from gristmill.pipeline.fault import Fault, Place
from gristmill.pipeline.model import Branch, Pipeline, Split, Stage
from gristmill.pipeline.parameter_rules import size_faults


def stage_faults(pipeline: Pipeline, number: int) -> Iterator[Fault]:
    """Yield every broken rule of a stage and its branches."""
    stage = pipeline.stages[number]
    earlier = [branch for before in pipeline.stages[:number] for branch in before.branches]
    yield from _input(("stages", number, "input"), stage, earlier)
    yield from _split(pipeline, ("stages", number, "split"), stage.split)
    for place, branch in enumerate(stage.branches):
        yield from branch_faults(pipeline, ("stages", number, "branches", place), stage, branch)


def _input(place: Place, stage: Stage, earlier: list[Branch]) -> Iterator[Fault]:
    of_parts = traits_of(stage.split.records).of_parts
    usable = [branch.name for branch in earlier if of_parts or branch.is_merged]
    if stage.input is None and of_parts:
        yield place, f"records: {stage.split.records} needs the branch whose parts are meant"
    if stage.input is not None and stage.input not in usable:
        kind = "branch" if of_parts else "merged branch"
        yield place, f"{stage.input} is no {kind} of an earlier stage (there are: {', '.join(usable) or 'none'})"


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
