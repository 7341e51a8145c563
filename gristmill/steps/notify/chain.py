"""Start what comes after a run: a drop note for each entry of its pipeline's `then`, written once.

The key of a note is made of the run and the entry, and a run succeeds once: so whoever comes to it again finds the note
there, and starts nothing.
"""

from gristmill import keys
from gristmill.errors import Changed
from gristmill.limits import ANCESTORS_MAX, S3_KEY_MAX_BYTES
from gristmill.pipeline.chain import Chain
from gristmill.pipeline.lists import as_given
from gristmill.runs.chained import Ancestor, Chained
from gristmill.runs.drop import run_id
from gristmill.runs.locations import branch_keys, find_branch, frozen
from gristmill.runs.note import DropNote, NotedObject
from gristmill.runs.pinned import ObjectVersion, find_published
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage


def start_chains(store: Storage, record: RunRecord) -> list[Chained]:
    """Start what comes after a run that has succeeded, on results that it has made; return what became of each."""
    pipeline = frozen(record)
    there = {made.name for stage in pipeline.stages for made in stage.made}
    return [_start(store, record, nth, chain) for nth, chain in enumerate(pipeline.then, 1) if chain.input in there]


def _start(store: Storage, record: RunRecord, nth: int, chain: Chain) -> Chained:
    key = keys.note_key(chain.pipeline, f"{record.dropped.name}-{chain.input}-{record.run}-{nth}")
    why_not, run = refusal(record, chain.pipeline, key), ""
    stage, branch = find_branch(frozen(record), chain.input)
    made = None if why_not else find_published(store, branch_keys(record, stage.name, branch.name))
    if made:
        run = _drop(store, key, make_note(record, chain, made.output))
        why_not = "" if run else f"something else lies under {key}; start it with: gristmill run {chain.pipeline} FILE"
    elif not why_not:
        why_not = f"the record of that result is gone; start it with: gristmill run {chain.pipeline} FILE"
    return Chained(pipeline=chain.pipeline, input=chain.input, run=run, why_not=why_not)


def refusal(record: RunRecord, pipeline: str, key: str) -> str:
    """Return why a run starts no run of a pipeline, with the mend; empty where it does. Pure."""
    before = next((each for each in lineage(record) if each.pipeline == pipeline), None)
    mend = f"take it out of `then` in the pipeline.yaml of {record.dropped.pipeline}"
    if before:
        return f"{before} is among those that led here, and it would go round without an end; {mend}"
    if len(record.origin) >= ANCESTORS_MAX:
        return f"{ANCESTORS_MAX} runs, one after another, have led here, and more are not started; {mend}"
    if len(key.encode()) > S3_KEY_MAX_BYTES:
        return f"the name of its drop note would be too long for S3; shorten that of {record.dropped.name}"
    return ""


def lineage(record: RunRecord) -> list[Ancestor]:
    """Return the runs that led to a run, and the run itself."""
    return [*record.origin, Ancestor(pipeline=record.dropped.pipeline, run=record.run)]


def make_note(record: RunRecord, chain: Chain, made: ObjectVersion) -> DropNote:
    """Return the note of a run on a result: by the same owner, with the same tags, and no dearer. Pure."""
    ceiling = {} if record.max_cost is None else {"max_cost": as_given(record.max_cost)}
    return DropNote(
        contract=1,
        input=NotedObject(key=made.key, version=made.version),
        params=ceiling | {name: as_given(value) for name, value in chain.params.items()},
        owner=record.owner,
        tags=record.tags,
        origin=lineage(record),
    )


def _drop(store: Storage, key: str, note: DropNote) -> str:
    """Write a note unless it is there; return the id of the run that it starts, empty where another note is there."""
    if not store.put_new(key, note.model_dump_json(exclude_defaults=True).encode()):
        return ""
    dropped = store.head(key)
    if dropped is None:
        raise Changed(f"{key} was removed just after it was written.", "Repeat in a moment.")
    return run_id(store.bucket, key, dropped.version, dropped.etag, "")
