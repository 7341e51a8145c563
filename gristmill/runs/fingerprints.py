"""Fingerprints: what a branch computes, and how a stage's input is cut, each in 16 hexadecimal digits.

They are made of all that decides an output: the definition's own fields, the values of parameters, what is read. What
was computed under a fingerprint stands under it, and under no other: fingerprints lie in keys, so that what is computed
in two ways never meets in one branch.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from gristmill.formats.registry import traits_of
from gristmill.pipeline.fields import identity
from gristmill.pipeline.model import Branch, Pipeline, Stage
from gristmill.pipeline.parameters import size_of
from gristmill.runs.locations import frozen
from gristmill.runs.records import LeftOut, RunRecord

_DIGITS = 16


def with_fingerprints(record: RunRecord) -> RunRecord:
    """Return a run's record with the fingerprints of its branches and of what its stages read; one by one, in order."""
    if record.pipeline is None:
        return record
    cuts: dict[str, str] = {}
    branches: dict[str, str] = {}
    for stage in frozen(record).stages:
        cuts[stage.name] = _digest(_cut(record, stage, branches))
        made = {branch.name: _digest(_branch(record, record.pipeline, branch)) for branch in stage.branches}
        branches |= {name: _digest([cuts[stage.name], own]) for name, own in made.items()}
    return record.model_copy(update={"fingerprints": branches, "cuts": cuts})


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


def _cut(record: RunRecord, stage: Stage, made: dict[str, str]) -> dict[str, Any]:
    """Return what decides a stage's tasks: what it reads, and how that is cut, with the sizes that it comes to."""
    split, given = stage.split, record.input
    sizes = {
        "records_per_task": size_of(split.records_per_task, record.parameters),
        "bytes_per_task": size_of(split.bytes_per_task, record.parameters),
        "record_bytes": size_of(split.record_bytes, record.parameters),
    }
    if not traits_of(split.records).is_sized:
        sizes = {}
    if not stage.inputs:
        return {**identity(split), **sizes, "reads": [given.version, given.etag, given.size]}
    lacking = [record.left_out[name].digest for name in stage.inputs if name in record.left_out]
    # of several branches, which one is there may show later
    return {**identity(split), **sizes, "reads": [*(made[name] for name in stage.inputs), *lacking]}


def _branch(record: RunRecord, pipeline: Pipeline, branch: Branch) -> dict[str, Any]:
    """Return what decides a branch's outputs beside what its stage reads."""
    nodes = {"nodes": size_of(branch.nodes, record.parameters), "ranks": branch.ranks_per_node} if branch.mpi else {}
    where = {"image": pipeline.image, "job_definition": pipeline.job_definition}
    where |= {"code": record.code.digest} if record.code else {}
    return {**identity(branch), **nodes, **where, "parameters": record.parameters}


def _digest(made_of: Any) -> str:
    text = json.dumps(made_of, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
