"""Split: claim the run, check the drop, freeze what the run needs, index its chunks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gristmill import index, keys
from gristmill.cost.bill import bill
from gristmill.cost.ceiling import over_ceiling, read_ceiling
from gristmill.cost.estimate import Cut, estimate
from gristmill.cursor import Cursor
from gristmill.drop import Drop, is_no_drop, read_drop
from gristmill.errors import NotFound, Refused
from gristmill.jobmap import read_record
from gristmill.limits import ATTEMPTS_MAX, S3_KEY_MAX_BYTES, STATE_REASON_MAX
from gristmill.parameters import owner, resolve
from gristmill.records import Bill, InputObject, RunRecord
from gristmill.source import frozen, output_key, result_branches
from gristmill.spec.load import load
from gristmill.spec.model import Pipeline
from gristmill.split import ensure_index
from gristmill.store import ObjectInfo, Store
from gristmill.words import Compute, SplitVerdict


@dataclass(frozen=True)
class Terms:
    """What the stack grants a run: vCPUs at once, and dollars where the drop itself sets no ceiling (None: any)."""

    max_vcpus: Mapping[Compute, float] = field(default_factory=dict)
    max_cost: float | None = None


@dataclass(frozen=True)
class Claimant:
    """Who asks for a run: an execution, at a time, with the pipelines it knows."""

    execution: str
    now: datetime
    roots: Sequence[Path]
    terms: Terms = Terms()


def split(store: Store, event: Mapping[str, Any], claimant: Claimant) -> dict[str, Any]:
    """Answer an execution's input: an S3 event, or `{"resume": {"run": ...}}`."""
    if "resume" in event:
        return _start(store, take_over(store, event["resume"]["run"], claimant.execution), claimant.terms)
    drop = read_drop(event)
    why_not = is_no_drop(drop.key)
    if why_not:
        return _answer(SplitVerdict.IGNORED, drop.run, f"{drop.key}: {why_not}")
    record = claim(store, drop, claimant)
    if record.execution != claimant.execution:
        return _answer(SplitVerdict.DUPLICATE, record.run, f"the run belongs to {record.execution}")
    return _start(store, record, claimant.terms)


def claim(store: Store, drop: Drop, claimant: Claimant) -> RunRecord:
    """Write the run's record unless there is one; return the one that stands."""
    record = make_record(store, drop, claimant)
    if store.put_new(keys.run_record(record.run), record.model_dump_json().encode()):
        return record
    return read_record(store, record.run)


def take_over(store: Store, run: str, execution: str) -> RunRecord:
    """Make a resuming execution the owner of its run; the same execution finds itself the owner already."""
    key = keys.run_record(run)
    held = store.head(key)
    if held is None:
        raise NotFound(f"there is no run {run}.")
    record = read_record(store, run)
    if record.execution == execution:
        return record
    taken = record.model_copy(update={"execution": execution, "resumes": record.resumes + 1})
    if not store.put_if(key, taken.model_dump_json().encode(), held.etag):
        raise Refused([f"run {run} was taken over by another execution at the same moment"])
    return taken


def make_record(store: Store, drop: Drop, claimant: Claimant) -> RunRecord:
    """Return the record of a drop, with every fault that refuses it."""
    head = store.head(drop.key, drop.version)
    metadata = head.metadata if head else {}
    name = keys.parse_input(drop.key).pipeline
    pipeline, faults = _load(name, claimant.roots)
    parameters, wrong = resolve(pipeline, metadata) if pipeline else ({}, [])
    max_cost, unpayable = read_ceiling(metadata, claimant.terms.max_cost)
    faults += wrong + unpayable + object_faults(drop, head, pipeline)
    record = RunRecord(
        run=drop.run,
        execution=claimant.execution,
        claimed_at=claimant.now,
        owner=owner(metadata, drop.requester),
        input=InputObject(
            bucket=drop.bucket,
            key=drop.key,
            version=drop.version,
            etag=drop.etag,
            size=head.size if head else drop.size,
            sequencer=drop.sequencer,
        ),
        pipeline=pipeline,
        parameters=parameters,
        max_cost=max_cost,
        faults=faults,
    )
    return record.model_copy(update={"faults": faults + name_faults(record)}) if pipeline else record


def _load(name: str, roots: Sequence[Path]) -> tuple[Pipeline | None, list[str]]:
    try:
        return load(name, roots), []
    except Refused as refused:
        return None, refused.faults


def object_faults(drop: Drop, head: ObjectInfo | None, pipeline: Pipeline | None) -> list[str]:
    """Return what is wrong with the dropped object itself, whatever its content."""
    if head is None:
        return [f"{drop.key} (version {drop.version}) is gone; drop the file again"]
    faults = [] if head.size else ["the file is empty; drop one with content"]
    accepts = pipeline.accepts if pipeline else None
    if accepts and accepts.suffixes and not drop.key.lower().endswith(tuple(accepts.suffixes)):
        faults.append(f"the file's name must end in one of: {', '.join(accepts.suffixes)}")
    if accepts and head.size > accepts.max_bytes:
        faults.append(f"the file has {head.size:,} bytes; the pipeline takes at most {int(accepts.max_bytes):,}")
    return faults


def name_faults(record: RunRecord) -> list[str]:
    """Return whether the dropped file's name is so long that the keys of its results could not be."""
    results = [output_key(record, branch) for branch in result_branches(frozen(record))]
    longest = max((len(key.encode()) for key in results), default=0)
    if longest <= S3_KEY_MAX_BYTES:
        return []
    return [
        f"the file's name is too long by {longest - S3_KEY_MAX_BYTES} bytes: the keys of its results would have more "
        f"than {S3_KEY_MAX_BYTES}; shorten it"
    ]


def _start(store: Store, record: RunRecord, terms: Terms) -> dict[str, Any]:
    """Index the first stage's chunks, price the run, and say where to begin.

    A drop that cannot be split, or that costs more than it may, is refused after all.
    """
    if not record.faults:
        try:
            _admit(store, record, ensure_index(store, record, frozen(record).stages[0]), terms)
        except Refused as refused:
            record = record.model_copy(update={"faults": refused.faults})
            store.put(keys.run_record(record.run), record.model_dump_json().encode())
    if record.faults:
        return _answer(SplitVerdict.INVALID, record.run, "; ".join(record.faults))
    start = Cursor(record.run, frozen(record).stages[0].name, record.resumes * ATTEMPTS_MAX)
    return {**start.as_json(), "verdict": SplitVerdict.GO, "reason": ""}


def _admit(store: Store, record: RunRecord, header: index.Header, terms: Terms) -> None:
    """Note what the run is expected to cost; Refused if that is above its ceiling. A resume was let in before."""
    if record.resumes:
        return
    expected = price(record, header, terms)
    store.put(keys.estimate(record.run), expected.model_dump_json().encode())
    faults = over_ceiling(expected, record.max_cost)
    if faults:
        raise Refused(faults)


def price(record: RunRecord, header: index.Header, terms: Terms) -> Bill:
    """Return the bill that a run is expected to have, once its first stage's chunks are known."""
    first = Cut(max(header.values - 1, 0), record.input.size, header.records)
    return bill(estimate(frozen(record), record.parameters, first, terms.max_vcpus))


def _answer(verdict: SplitVerdict, run: str, reason: str) -> dict[str, Any]:
    return {"run": run, "stage": "", "attempt": 0, "verdict": verdict, "reason": reason[:STATE_REASON_MAX]}
