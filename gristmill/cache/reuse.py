"""Reuse what another run has merged of a branch: copied into the run's own results, by S3 itself."""

from collections.abc import Callable
from functools import partial

from gristmill.cache.entry import CachedOutput, Entry, Reused
from gristmill.cache.identity import identities
from gristmill.cache.lookup import find_entry
from gristmill.errors import Changed, Corrupt
from gristmill.keys import BranchKeys
from gristmill.pipeline.branch import Branch
from gristmill.runs.at_work import check_owner
from gristmill.runs.committed import read_committed
from gristmill.runs.locations import branch_keys, frozen, output_key
from gristmill.runs.pinned import ObjectVersion, Published, find_published
from gristmill.runs.reading import find_readable
from gristmill.runs.records import RunRecord
from gristmill.runs.result_files import FINGERPRINT, metadata_of
from gristmill.storage import Piece, Storage


def reuse(store: Storage, record: RunRecord, stage: str, branch: Branch, tasks: int, check: Callable[[], None]) -> bool:
    """Return whether a branch of so many tasks needs no job, for what it makes is there of another run.

    A copy of it is made where there is an entry; `check` is asked before it appears, and raises where it must not. An
    entry with anything amiss is a miss, and CheckOutput tells why.
    """
    if not frozen(record).caches(branch):
        return False
    place = branch_keys(record, stage, branch.name)
    before = find_reused(store, record, stage, branch)
    if before and before.outputs and stands(store, record, stage, branch, before):
        return True
    identity = identities(record).get(branch.name)
    if record.no_cache or identity is None or (before and before.refused):
        return False
    if not read_committed(store, place, tasks).missing:
        return False
    found = _take(store, record, place, branch, identity, tasks, check)
    if found:
        store.put_checked(place.reused, found.model_dump_json().encode(), check)
    return bool(found and found.outputs)


def _take(
    store: Storage,
    record: RunRecord,
    place: BranchKeys,
    branch: Branch,
    identity: str,
    tasks: int,
    check: Callable[[], None],
) -> Reused | None:
    """Return what was copied, or why it was not; None where there is no entry."""
    entry, why = find_entry(store, frozen(record).name, branch, identity)
    if entry is None:
        return Reused(run="", refused=why) if why else None
    if any(output.counts.tasks != tasks for output in entry.outputs.values()):
        return Reused(run=entry.run, refused=f"{entry.key} is of another number of tasks")
    try:
        outputs = {name: _copy(store, record, place, branch, entry, name, check) for name in entry.outputs}
    except Corrupt as error:
        return Reused(run=entry.run, refused=error.what)
    return Reused(run=entry.run, outputs=outputs, dollars=entry.dollars)


def _copy(
    store: Storage,
    record: RunRecord,
    place: BranchKeys,
    branch: Branch,
    entry: Entry,
    name: str,
    check: Callable[[], None],
) -> CachedOutput:
    """Copy an output of an entry to where the run would have made it; Changed where it is gone by now, or comes out
    otherwise.
    """
    cached, made = entry.outputs[name], branch.by_output[name]
    own, source = branch_keys(record, place.stage, made.name), cached.object
    metadata = metadata_of(own) | {"gristmill-reused": entry.run}
    pieces = [Piece(source.key, 0, source.size, source.etag, source.version)] if source.size else []
    written = store.compose(output_key(record, made.name), pieces, metadata, own.merging, check)
    copied = store.head(written.key, written.version)
    if copied is None or not _is_alike(cached, copied.checksum, copied.size):
        raise Changed(f"the copy of {source.key} of run {entry.run} came out otherwise.")
    output = ObjectVersion.of(copied)
    published = Published(output=output, tasks=cached.counts.tasks)
    store.put_checked(own.published, published.model_dump_json().encode(), check)
    return cached.model_copy(update={"object": output, "checksum": copied.checksum})


def _is_alike(cached: CachedOutput, checksum: str | None, size: int) -> bool:
    """Return whether a copy has the size of its source and, where S3 keeps the same kind of both, the checksum."""
    kinds = [text.partition(" ")[0] for text in (cached.checksum or "", checksum or "") if "of parts" not in text]
    is_comparable = len(kinds) == 2 and kinds[0] == kinds[1] != ""
    return size == cached.object.size and (not is_comparable or checksum == cached.checksum)


def stands(store: Storage, record: RunRecord, stage: str, branch: Branch, reused: Reused) -> bool:
    """Return whether the copies of what was reused are there, as they were made."""
    for name, output in reused.outputs.items():
        found = store.head(output.object.key)
        if found is None or not output.object.is_same(ObjectVersion.of(found)):
            return False
        place = branch_keys(record, stage, branch.by_output[name].name)
        if found.metadata.get(FINGERPRINT) != place.fingerprint:
            return False
    return True


def find_reused(store: Storage, record: RunRecord, stage: str, branch: Branch) -> Reused | None:
    """Return what was reused for a branch and was published last, or why nothing was; None where it was computed."""
    if not frozen(record).caches(branch):
        return None
    reused = find_readable(store, Reused, branch_keys(record, stage, branch.name).reused)
    if reused is None or reused.refused:
        return reused
    made = {
        name: find_published(store, branch_keys(record, stage, each.name)) for name, each in branch.by_output.items()
    }
    there = {name: published.output for name, published in made.items() if published}
    return reused if there == {name: output.object for name, output in reused.outputs.items()} else None


def refuse(store: Storage, record: RunRecord, stage: str, branch: Branch, why: str) -> None:
    """Record why a branch is computed rather than reused: nothing is looked up for it any more."""
    key = branch_keys(record, stage, branch.name).reused
    body = Reused(run="", refused=why).model_dump_json().encode()
    store.put_checked(key, body, partial(check_owner, store, record))


def is_reused(store: Storage, record: RunRecord, stage: str, branch: Branch) -> bool:
    """Return whether what a branch makes is a copy of another run's."""
    reused = find_reused(store, record, stage, branch)
    return reused is not None and bool(reused.outputs)
