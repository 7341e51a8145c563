"""Freeze the inputs of a run beside the file that is cut: given ones and defaults, each in one version."""

from collections.abc import Mapping, Sequence

from gristmill.errors import Refused
from gristmill.humanize import did_you_mean
from gristmill.pipeline.inputs import cut_input
from gristmill.pipeline.model import Pipeline
from gristmill.runs.note import Given, NotedObject, find_object
from gristmill.runs.pinned import ObjectVersion
from gristmill.storage import ObjectInfo, Storage


def freeze_inputs(store: Storage, pipeline: Pipeline, given: Given) -> tuple[dict[str, ObjectVersion], list[str]]:
    """Return the versions of the whole inputs and the mates that a run reads, and what is wrong with them."""
    cut = cut_input(pipeline.inputs)
    wanted = [name for name in pipeline.inputs if name != cut]
    faults = [_unknown(pipeline, name, wanted, cut) for name in given.inputs if name not in wanted]
    frozen = {}
    for name in wanted:
        found, wrong = _find(store, pipeline, given, name)
        faults += wrong
        if found and not wrong:
            frozen[name] = ObjectVersion.of(found)
    if cut and given.source:
        faults += suffix_faults("the file", given.source.key, pipeline.inputs[cut].suffixes)
    return frozen, faults


def lacking_inputs(pipeline: Pipeline, before: Pipeline | None, frozen: Mapping[str, ObjectVersion]) -> list[str]:
    """Return which inputs of a changed pipeline its run did not begin with, or began with by a default of before."""
    wanted = [name for name in pipeline.inputs if name != cut_input(pipeline.inputs)]
    lacking = [name for name in wanted if name not in frozen]
    faults = [f"{name} was not given when the run began; drop its files again" for name in lacking]
    for name in wanted:
        old = before.inputs[name].default if before and name in before.inputs else None
        new, held = pipeline.inputs[name].default, frozen.get(name)
        if held and held.key == old and new not in (None, old):
            faults.append(f"{name} is {new} by default now, and the run began with {old}; drop its files again")
    return faults


def suffix_faults(what: str, key: str, suffixes: Sequence[str]) -> list[str]:
    """Return whether a key does not end as it must; without suffixes each is taken."""
    if not suffixes or key.lower().endswith(tuple(map(str.lower, suffixes))):
        return []
    return [f"{what}'s name must end in one of: {', '.join(suffixes)}"]


def _find(store: Storage, pipeline: Pipeline, given: Given, name: str) -> tuple[ObjectInfo | None, list[str]]:
    """Return what a run reads as this input, and what is wrong with it; nothing where the note's look has said that."""
    default = pipeline.inputs[name].default
    if name in given.inputs:
        found = given.inputs[name]
    elif default is None:
        return None, [f"{name} was not given; add --input {name}=FILE_OR_KEY, or name it in the drop note's inputs"]
    else:
        try:
            found = find_object(store, NotedObject(key=default))
        except Refused as refused:
            return None, [f"{name}: {fault}" for fault in refused.faults]
    if found is None:
        return None, []
    empty = [] if found.size else [f"{name} is empty: {found.key}"]
    return found, empty + suffix_faults(name, found.key, pipeline.inputs[name].suffixes)


def _unknown(pipeline: Pipeline, name: str, wanted: Sequence[str], cut: str | None) -> str:
    if name == cut:
        return f"{name} is the file that is cut into tasks: name it as the note's input"
    there = f"it has: {', '.join(wanted) or 'none'}"
    return f"{pipeline.name} has no input {name} ({there}){did_you_mean(name, wanted)}"
