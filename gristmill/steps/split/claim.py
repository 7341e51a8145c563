"""Claim a run: one execution alone writes its record, or takes it over to resume it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gristmill import keys
from gristmill.batch.definitions import FindDefinitions
from gristmill.code.kept import keep_changed_code, keep_code
from gristmill.code.pushed import find_pushed
from gristmill.code.source import Source, find_source
from gristmill.cost.ceiling import read_ceiling
from gristmill.enums import Compute
from gristmill.errors import Corrupt, NotFound, Refused, Superseded
from gristmill.pipeline.condition import unmet
from gristmill.pipeline.decided import left_out
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.parameters import owner, resolve, wanted_version
from gristmill.pipeline.tags import read_tags
from gristmill.runs.at_work import check_contract, check_fence, check_not_stopped
from gristmill.runs.drop import Drop
from gristmill.runs.fingerprints import with_fingerprints
from gristmill.runs.note import read_given
from gristmill.runs.records import CONTRACT, InputObject, RunRecord
from gristmill.runs.repository import read_record, revise_record
from gristmill.runs.request import Resume
from gristmill.runs.skipping import with_skipped
from gristmill.steps.split.inputs import freeze_inputs, lacking_inputs
from gristmill.steps.split.refusals import memory_faults, name_faults, object_faults
from gristmill.storage import ObjectInfo, Storage


@dataclass(frozen=True)
class RunLimits:
    """What the stack grants a run: vCPUs at once, dollars where the drop itself sets no ceiling (None: any), and MiB of
    memory of the largest host (0: not known).
    """

    max_vcpus: Mapping[Compute, float] = field(default_factory=dict)
    max_cost: float | None = None
    max_memory: int = 0


@dataclass(frozen=True)
class Claimant:
    """Who asks for a run: an execution, at a time, with the pipelines it knows."""

    execution: str
    now: datetime
    roots: Sequence[Path]
    limits: RunLimits = RunLimits()
    definitions: FindDefinitions = lambda _pipeline: {}


def claim(store: Storage, drop: Drop, claimant: Claimant) -> RunRecord:
    """Keep the run's code, then write its record unless there is one; return the record that is there."""
    record, source = prepare(store, drop, claimant)
    record = keeping_code(store, defined(_refusing_unpushed(record), claimant.definitions), source)
    if store.put_new(keys.run_record(record.run), record.model_dump_json().encode()):
        return record
    return read_record(store, record.run)


def take_over(store: Storage, request: Resume, claimant: Claimant) -> RunRecord:
    """Make a resuming execution the owner of its run; the same execution finds itself the owner already.

    With changes, the run gets another generation, and the record of the former one is kept beside. Superseded where
    another execution has taken the run over since it was asked for, or the run has succeeded; Refused where an earlier
    version has begun it, or the execution was stopped, or what was changed cannot be run.
    """
    execution = claimant.execution

    def take(record: RunRecord) -> RunRecord:
        check_not_stopped(store, record.run, execution)
        if record.execution == execution:
            return record
        check_fence(record, request.fence)
        check_contract(record)
        if record.complete:
            raise Superseded(f"run {record.run} has SUCCEEDED: nothing is missing.")
        taken = record
        if request.changes is not None:
            changed, source = redefine(store, record, claimant.roots, request.changes.version)
            taken = keeping_changes(store, redefined(record, changed, claimant.definitions), source)
            store.put_new(keys.generation(record.run, record.generation), record.model_dump_json().encode())
        return taken.model_copy(update={"execution": execution, "fence": record.fence + 1, "closed": False})

    return revise_record(store, request.run, take)


def redefine(
    store: Storage, record: RunRecord, roots: Sequence[Path], version: int | None = None
) -> tuple[RunRecord, Source]:
    """Return the next generation of a run, and its code: both as they are by now, over the same input.

    `version` is one that was pushed; None is what every run takes. Refused with every fault.
    """
    source, faults = _find(store, record.dropped.pipeline, str(version) if version else None, roots)
    if source is None:
        raise Refused(faults, _mend(record))
    return _sound(_refusing_unpushed(next_generation(record, source))), source


def next_generation(record: RunRecord, source: Source) -> RunRecord:
    """Return the next generation of a run by a source; what is computed as before keeps its fingerprint.

    Refused with every fault. Pure.
    """
    parameters, faults = resolve(source.pipeline, record.given)
    faults += lacking_inputs(source.pipeline, record.pipeline, record.inputs)
    update = {
        "pipeline": source.pipeline,
        "parameters": parameters,
        "code": source.code,
        "empty": [],
        "generation": record.generation + 1,
        "faults": faults,
    }
    return _sound(_decided(record.model_copy(update=update), source.pipeline))


def _sound(changed: RunRecord) -> RunRecord:
    if changed.faults:
        raise Refused(changed.faults, _mend(changed))
    return changed


def _mend(record: RunRecord) -> str:
    return f"Mend that; or go on as it was, with: gristmill resume {record.run}"


def defined(record: RunRecord, find: FindDefinitions) -> RunRecord:
    """Return a run's record with the job definitions and images of its branches, or with why it has none."""
    if record.pipeline is None or record.faults:
        return record
    try:
        found = find(record.pipeline)
    except Refused as refused:
        return record.model_copy(update={"faults": refused.advice})
    arns, images = ({name: getattr(each, part) for name, each in found.items()} for part in ("arn", "image"))
    return record.model_copy(update={"definitions": arns, "images": images})


def redefined(before: RunRecord, changed: RunRecord, find: FindDefinitions) -> RunRecord:
    """Return a run's next generation with the definitions of its branches: those that are kept keep theirs."""
    after = defined(changed, find)
    if after.faults:
        raise Refused(after.faults)
    kept = [name for name, made in after.fingerprints.items() if made == before.fingerprints.get(name)]
    old, images = ({name: part[name] for name in kept if name in part} for part in (before.definitions, before.images))
    return after.model_copy(update={"definitions": after.definitions | old, "images": after.images | images})


def keeping_changes(store: Storage, changed: RunRecord, source: Source) -> RunRecord:
    """Keep the code of a run's next generation; return its record, which says where."""
    kept = keep_changed_code(store, changed.run, source.code.digest, source.archive)
    return changed.model_copy(update={"code": source.code.model_copy(update={"object": kept})})


def refuse(store: Storage, record: RunRecord, faults: list[str]) -> RunRecord:
    """Record why a run is refused after all; Superseded where it has another owner by now."""

    def add(current: RunRecord) -> RunRecord:
        check_fence(current, record.fence)
        return current.model_copy(update={"faults": faults})

    return revise_record(store, record.run, add)


def _refusing_unpushed(record: RunRecord) -> RunRecord:
    """Return the record, refused where its libraries were never fetched."""
    if not record.pipeline or not record.pipeline.libraries or (record.code and record.code.libraries):
        return record
    fault = f"the libraries of {record.pipeline.name} are fetched as it is pushed: gristmill pipelines push FOLDER"
    return record.model_copy(update={"faults": [*record.faults, fault]})


def keeping_code(store: Storage, record: RunRecord, source: Source | None) -> RunRecord:
    """Keep the code of a run that is not refused; return its record, which says where."""
    if source is None or record.code is None or record.faults:
        return record
    kept = record.code.model_copy(update={"object": keep_code(store, record.run, source.archive)})
    return record.model_copy(update={"code": kept})


def prepare(store: Storage, drop: Drop, claimant: Claimant) -> tuple[RunRecord, Source | None]:
    """Return the record of a drop with every fault that refuses it, and its code if there is such a pipeline."""
    given = read_given(store, drop)
    dropped = keys.parse_input(drop.key)
    source, faults = _find(store, dropped.pipeline, wanted_version(given.metadata), claimant.roots)
    pipeline = source.pipeline if source else None
    parameters, more_faults = resolve(pipeline, given.metadata) if pipeline else ({}, [])
    max_cost, ceiling_faults = read_ceiling(given.metadata, claimant.limits.max_cost)
    tags, batch, tag_faults = read_tags(given.metadata)
    faults += more_faults + ceiling_faults + tag_faults + list(given.faults)
    faults += object_faults(given.source, pipeline) if given.source else []
    inputs, input_faults = freeze_inputs(store, pipeline, given) if pipeline else ({}, [])
    faults += input_faults
    faults += memory_faults(pipeline, claimant.limits.max_memory) if pipeline else []
    record = RunRecord(
        contract=CONTRACT,
        run=drop.run,
        execution=claimant.execution,
        claimed_at=claimant.now,
        owner=owner(given.metadata, drop.requester),
        dropped=dropped,
        input=_input(drop, given.source),
        inputs=inputs,
        pipeline=pipeline,
        parameters=parameters,
        code=source.code if source else None,
        given=dict(given.metadata),
        max_cost=max_cost,
        faults=faults,
        tags=tags,
        batch=batch,
    )
    return _decided(record, pipeline) if pipeline else record, source


def _decided(record: RunRecord, pipeline: Pipeline) -> RunRecord:
    """Return the record with what the run leaves out, and the faults that show only then."""
    skipped = {} if record.faults else left_out(pipeline, unmet(pipeline, record.parameters))
    if len(skipped) < len(pipeline.stages):
        record = with_skipped(record, skipped)
        return with_fingerprints(record.model_copy(update={"faults": record.faults + name_faults(record)}))
    why = "; ".join(f"{stage}: {reason}" for stage, reason in skipped.items())
    fault = f"nothing would be done, for every stage is left out ({why}); give other parameters"
    return record.model_copy(update={"faults": [fault]})


def _input(drop: Drop, source: ObjectInfo | None) -> InputObject:
    """Return the object that is cut into tasks; where there is none, the dropped one stands in its place."""
    return InputObject(
        bucket=drop.bucket,
        key=source.key if source else drop.key,
        version=source.version if source and source.key != drop.key else drop.version,
        etag=source.etag if source else drop.etag,
        size=source.size if source else drop.size,
        sequencer=drop.sequencer,
    )


def _find(store: Storage, name: str, version: str | None, roots: Sequence[Path]) -> tuple[Source | None, list[str]]:
    """Return a pipeline's source: the version that the drop names, else what was pushed for all, else the built-in."""
    try:
        return find_pushed(store, name, version) or find_source(name, roots), []
    except Refused as refused:
        return None, refused.advice
    except (NotFound, Corrupt) as error:
        return None, [str(error)]
