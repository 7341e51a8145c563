"""Rules of a pipeline's inputs: one is cut, it may have mates, the others are given whole to branches that ask."""

from collections.abc import Iterator

from gristmill.formats.registry import formats_with, traits_of
from gristmill.humanize import did_you_mean
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.fault import Fault, Place
from gristmill.pipeline.inputs import cut_input, mates_input, whole_inputs
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.placeholders import NAMES
from gristmill.pipeline.stage import Stage


def input_faults(pipeline: Pipeline) -> Iterator[Fault]:
    """Yield every broken rule of the inputs."""
    place: Place = ("inputs",)
    cut = [name for name, given in pipeline.inputs.items() if given.records]
    if pipeline.inputs and len(cut) != 1:
        named = " and ".join(cut) or "none"
        yield place, f"exactly one is cut into tasks and has records; here that is {named}"
        return
    for name, given in pipeline.inputs.items():
        if name in NAMES:
            yield (*place, name), f"the name is reserved, as all placeholders: {', '.join(NAMES)}"
        if given.records and given.default:
            yield (*place, name, "default"), "the file that is cut is the one that is dropped: it has no default"
        if given.pair and not given.records:
            yield (*place, name, "pair"), "is for the input with records"
    yield from _pair(pipeline)
    used = {name for stage in pipeline.stages for branch in stage.branches for name in branch.given}
    for name in whole_inputs(pipeline.inputs):
        if name not in used:
            yield (*place, name), f"no branch reads it: give one `with: [{name}]`, or leave it out"


def _pair(pipeline: Pipeline) -> Iterator[Fault]:
    cut, mates = cut_input(pipeline.inputs), mates_input(pipeline.inputs)
    if cut is None or mates is None:
        return
    place, records = ("inputs", cut), pipeline.inputs[cut].records
    if mates == cut or mates not in pipeline.inputs:
        others = [name for name in pipeline.inputs if name != cut]
        yield (*place, "pair"), f"{mates} is no other input (there are: {', '.join(others) or 'none'})"
    elif pipeline.inputs[mates].default:
        yield ("inputs", mates, "default"), "mates belong to one file: they have no default"
    if records and not traits_of(records).is_sized:
        able = ", ".join(formats_with(lambda traits: traits.is_sized))
        yield (*place, "records"), f"{records} cannot be cut in pairs; these can: {able}"


def cut_faults(pipeline: Pipeline, place: Place, stage: Stage) -> Iterator[Fault]:
    """Yield how a stage that reads the dropped file cuts it otherwise than its input says."""
    cut = cut_input(pipeline.inputs)
    if cut is None or stage.reads is not None:
        return
    split, records = stage.split, pipeline.inputs[cut].records
    if mates_input(pipeline.inputs) is not None:
        if split.records is not records:
            yield (*place, "records"), f"a pair is cut alike everywhere: must be {records}, as inputs.{cut} says"
        if split.records_per_task is None or split.bytes_per_task is not None:
            yield place, "a pair is cut at the same records: needs records_per_task, and takes no bytes_per_task"
    elif split.records is not records and not traits_of(split.records).is_one_task:
        yield (*place, "records"), f"must be {records}, as inputs.{cut} says, or whole"


def with_faults(pipeline: Pipeline, place: Place, branch: Branch) -> Iterator[Fault]:
    """Yield what is wrong with the whole inputs that a branch names."""
    able = whole_inputs(pipeline.inputs)
    for number, name in enumerate(branch.given):
        if name in branch.given[:number]:
            yield (*place, number), f"{name} is named twice"
        elif name not in able:
            there = f"is no input that is given whole (there are: {', '.join(able) or 'none'})"
            yield (*place, number), f"{name} {there}{did_you_mean(name, able)}"
