"""Prepare the record of a drop: its pipeline, inputs and parameters, with every fault that refuses it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from gristmill import keys
from gristmill.batch.definitions import FindDefinitions
from gristmill.code.kept import keep_code
from gristmill.code.pushed import find_pushed
from gristmill.code.source import Source, find_source
from gristmill.cost.ceiling import read_ceiling
from gristmill.errors import Corrupt, NotFound, Refused
from gristmill.pipeline.condition import unmet
from gristmill.pipeline.decided import left_out
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.parameters import owner, read_no_cache, resolve, wanted_version
from gristmill.pipeline.tags import read_tags
from gristmill.runs.code import Code
from gristmill.runs.drop import Drop
from gristmill.runs.fingerprints import with_fingerprints
from gristmill.runs.note import read_given
from gristmill.runs.records import CONTRACT, InputObject, RunRecord
from gristmill.runs.skipping import with_skipped
from gristmill.steps.split.claimant import Claimant
from gristmill.steps.split.inputs import freeze_inputs
from gristmill.steps.split.item import find_batch
from gristmill.steps.split.refusals import fit_faults, name_faults, object_faults
from gristmill.storage import ObjectInfo, Storage

_PUSH = "gristmill pipelines push FOLDER"


def defined(record: RunRecord, find: FindDefinitions) -> RunRecord:
    """Return a run's record with the job definitions and images of its branches, or with why it has none.

    An item of a batch has those of the batch.
    """
    if record.pipeline is None or record.faults or record.item:
        return record
    try:
        found = find(record.pipeline, record.code.definitions if record.code else {})
    except Refused as refused:
        return record.model_copy(update={"faults": refused.advice})
    arns, images = ({name: getattr(each, part) for name, each in found.items()} for part in ("arn", "image"))
    return record.model_copy(update={"definitions": arns, "images": images})


def refusing_unpushed(record: RunRecord) -> RunRecord:
    """Return the record, refused where its libraries were never fetched, or job definitions of its own registered."""
    faults = _unpushed(record.pipeline, record.code) if record.pipeline else []
    return record.model_copy(update={"faults": [*record.faults, *faults]}) if faults else record


def _unpushed(pipeline: Pipeline, code: Code | None) -> list[str]:
    faults = []
    if pipeline.libraries and not (code and code.libraries):
        faults.append(f"the libraries of {pipeline.name} are fetched as it is pushed: {_PUSH}")
    for branch in pipeline.branches:
        if branch.has_own_definition and not (code and branch.name in code.definitions):
            what = "a container of its own" if branch.container else "secrets"
            faults.append(f"branch {branch.name} has {what}; its job definition is registered by a push: {_PUSH}")
    return faults


def keeping_code(store: Storage, record: RunRecord, source: Source | None) -> RunRecord:
    """Keep the code of a run that is not refused; return its record, which says where."""
    if source is None or record.code is None or record.faults:
        return record
    kept = record.code.model_copy(update={"object": keep_code(store, record.run, source.archive)})
    return record.model_copy(update={"code": kept})


def find_code(store: Storage, name: str, version: str | None, roots: Sequence[Path]) -> tuple[Source | None, list[str]]:
    """Return a pipeline's source: the version that the drop names, else what was pushed for all, else the built-in."""
    try:
        return find_pushed(store, name, version) or find_source(name, roots), []
    except Refused as refused:
        return None, refused.advice
    except (NotFound, Corrupt) as error:
        return None, [str(error)]


FindCode = Callable[[Storage, str, str | None, Sequence[Path]], tuple[Source | None, list[str]]]


def prepare(
    store: Storage, drop: Drop, claimant: Claimant, find: FindCode = find_code
) -> tuple[RunRecord, Source | None]:
    """Return the record of a drop with every fault that refuses it, and its code if there is such a pipeline."""
    given = read_given(store, drop)
    dropped = keys.parse_input(drop.key)
    batch, source, faults = find_batch(store, drop, given) if given.place else (None, None, [])
    if not given.place:
        source, faults = find(store, dropped.pipeline, wanted_version(given.metadata), claimant.roots)
    pipeline = source.pipeline if source else None
    parameters, more_faults = resolve(pipeline, given.metadata) if pipeline else ({}, [])
    max_cost, ceiling_faults = read_ceiling(given.metadata, claimant.limits.max_cost)
    tags, label, tag_faults = read_tags(given.metadata)
    no_cache, cache_faults = read_no_cache(given.metadata)
    faults += more_faults + ceiling_faults + tag_faults + cache_faults + list(given.faults)
    faults += object_faults(given.source, pipeline) if given.source else []
    inputs, input_faults = freeze_inputs(store, pipeline, given) if pipeline else ({}, [])
    faults += input_faults
    faults += fit_faults(pipeline, claimant.limits) if pipeline else []
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
        no_cache=no_cache,
        faults=faults,
        tags=tags,
        batch=label,
        origin=list(given.origin),
        definitions=batch.definitions if batch else {},
        images=batch.images if batch else {},
        item=given.place.item if given.place else None,
        round=given.place.round if given.place else 1,
    )
    return with_decisions(record, pipeline) if pipeline else record, source


def with_decisions(record: RunRecord, pipeline: Pipeline) -> RunRecord:
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
        sha256=source.sha256 if source else "",
    )
