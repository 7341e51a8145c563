"""Fingerprints: what a branch computes, and how a stage's input is cut, each in 16 hexadecimal digits.

They are made of all that decides an output: the definition's own fields, the values of parameters, what is read. What
was computed under a fingerprint stands under it, and under no other: fingerprints lie in keys, so that what is computed
in two ways never meets in one branch.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gristmill.pipeline.branch import Branch
from gristmill.pipeline.fields import identity
from gristmill.pipeline.parameters import handed, size_of
from gristmill.pipeline.placeholders import as_text
from gristmill.pipeline.stage import Stage
from gristmill.runs.locations import find_branch, frozen
from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.records import LeftOut, RunRecord, mates_of

_DIGITS = 16
_CODE = "code"
_SHOWN = 4  # digits of a digest
_VALUE_MAX = 30  # characters
Parts = dict[str, Any]  # what a fingerprint is made of, by what people call it


def with_fingerprints(record: RunRecord) -> RunRecord:
    """Return a run's record with the fingerprints of its branches and of what its stages read, one after another."""
    cuts, branches = digests(record, _digest)
    return record.model_copy(update={"fingerprints": branches, "cuts": cuts})


def digests(
    record: RunRecord, digest: Callable[[Any], str], beside: Callable[[Stage, Branch], list[Any]] = lambda *_: []
) -> tuple[dict[str, str], dict[str, str]]:
    """Return digests of how a run's stages are cut and of what its branches compute, one after another.

    `beside` is what else decides a branch's outputs, for who asks.
    """
    cuts: dict[str, str] = {}
    branches: dict[str, str] = {}
    for stage in frozen(record).stages if record.pipeline else []:
        cuts[stage.name] = digest(_cut_parts(record, stage, branches))
        branches |= {
            branch.name: digest([cuts[stage.name], _branch_parts(record, branch), *beside(stage, branch)])
            for branch in stage.branches
        }
    return cuts, branches


def with_left_out(record: RunRecord, left_out: Mapping[str, LeftOut], stage: Stage) -> RunRecord:
    """Return a run's record with the tasks that are left out up to a stage: later ones that read its branches differ.

    What is done by then keeps its fingerprints.
    """
    made = with_fingerprints(record.model_copy(update={"left_out": dict(left_out)}))
    stages = frozen(record).stages
    later = stages[[each.name for each in stages].index(stage.name) + 1 :]
    branches = {branch.name: made.fingerprints[branch.name] for each in later for branch in each.branches}
    cuts = {each.name: made.cuts[each.name] for each in later}
    return made.model_copy(update={"fingerprints": record.fingerprints | branches, "cuts": record.cuts | cuts})


def _cut_parts(record: RunRecord, stage: Stage, made: Mapping[str, str]) -> Parts:
    """Return what decides a stage's tasks: what it reads, and how that is cut, with the sizes that it comes to.

    `made` has the fingerprints of earlier branches.
    """
    split, given = stage.split, record.input
    sizes = {
        "records_per_task": size_of(split.records_per_task, record.parameters),
        "bytes_per_task": size_of(split.bytes_per_task, record.parameters),
        "record_bytes": size_of(split.record_bytes, record.parameters),
    }
    source: Any = [given.version, given.etag, given.size]
    mates = mates_of(record, stage)
    if mates:
        source = [*source, _version(mates)]
    if stage.inputs:  # of several branches, which one is there may show later
        source = _made(record, stage.inputs, made)
    joins = {**stage.joined_names, **{name: [name] for name in stage.in_step}}
    beside = {"joins": {name: _made(record, names, made) for name, names in joins.items()}} if joins else {}
    return {"stage": stage.name, **identity(split), **sizes, "input": source, **beside}


def _made(record: RunRecord, names: Sequence[str], made: Mapping[str, str]) -> list[str]:
    """Return what branches have made, and which of their tasks are left out."""
    named = [name.partition(".") for name in names]
    lacking = [record.left_out[name].digest for name, _, _ in named if name in record.left_out]
    return [*(f"{made[name]}{dot}{output}" for name, dot, output in named), *lacking]


def _branch_parts(record: RunRecord, branch: Branch) -> Parts:
    """Return what decides a branch's outputs beside what its stage reads."""
    pipeline = frozen(record)
    nodes = {"nodes": size_of(branch.nodes, record.parameters), "ranks": branch.ranks_per_node} if branch.mpi else {}
    return {
        **identity(branch),
        **nodes,
        "image": pipeline.image,
        "job_definition": pipeline.job_definition,
        **({_CODE: record.code.sources} if record.code and branch.uses_code else {}),
        **({"libraries": record.code.lock} if record.code and record.code.lock else {}),
        **({"inputs": {name: _version(record.inputs.get(name)) for name in branch.given}} if branch.given else {}),
        "parameters": handed(branch, record.parameters),
    }


def _version(given: ObjectVersion | None) -> list[Any]:
    """Return what tells an input from all others; a drop that is refused may lack it."""
    return [given.version, given.etag, given.size] if given else []


def why_redone(before: RunRecord, after: RunRecord, branch: str) -> str:
    """Return why what a branch has done does not stand in the next generation of its run; empty where it does."""
    if before.fingerprints.get(branch) == after.fingerprints[branch]:
        return ""
    if branch not in before.fingerprints:
        return "it is new"
    if not any(own.name == branch for stage in frozen(before).stages for own in stage.branches):
        return "it was left out"
    (from_stage, was), (to_stage, now) = (find_branch(frozen(record), branch) for record in (before, after))
    old, new = _cut_parts(before, from_stage, before.fingerprints), _cut_parts(after, to_stage, after.fingerprints)
    if old["input"] != new["input"]:
        return "its input changed"
    return ", ".join([*_differences(old, new), *_differences(_branch_parts(before, was), _branch_parts(after, now))])


def _differences(old: Parts, new: Parts) -> Iterator[str]:
    """Yield what differs between the parts of two fingerprints, in words."""
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before == after or (name == _CODE and None in (before, after)):  # what it runs by now sees code, or none
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from (f"{name[:-1]} {difference}" for difference in _differences(before, after))
        elif name == _CODE:
            yield f"code {str(before)[:_SHOWN]}…→{str(after)[:_SHOWN]}…"
        elif _is_short(before) and _is_short(after):
            yield f"{name} {_shown(before)}→{_shown(after)}"
        else:
            yield f"{name} changed"


def _is_short(value: Any) -> bool:
    return not isinstance(value, list | dict) and len(_shown(value)) <= _VALUE_MAX


def _shown(value: Any) -> str:
    return "none" if value is None else as_text(value)


def _digest(made_of: Any) -> str:
    return whole_digest(made_of)[:_DIGITS]


def whole_digest(made_of: Any) -> str:
    """Return the SHA-256 of what JSON can hold."""
    text = json.dumps(made_of, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
