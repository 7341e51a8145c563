"""Look an entry up, and hold it against the objects that it names: what is amiss is a miss."""

from collections.abc import Iterator

from gristmill import keys
from gristmill.cache.entry import CachedOutput, Entry
from gristmill.cache.identity import identities
from gristmill.errors import Corrupt
from gristmill.pipeline.branch import Branch
from gristmill.runs.locations import frozen
from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.reading import find
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage

IDENTITY = "gristmill-identity"  # in the metadata of what Merge makes of a branch that is reused


def find_entry(store: Storage, pipeline: str, branch: Branch, identity: str) -> tuple[Entry | None, str]:
    """Return the entry of an identity, None where there is none that can be used; and why there is none, if one is."""
    key = keys.cached_entry(pipeline, identity)
    try:
        entry = find(store, Entry, key)
    except Corrupt as error:
        return None, error.what
    if entry is None:
        return None, ""
    why = _why_unsound(entry, key, branch) or next(_lacking(store, entry), "")
    return (None, why) if why else (entry, "")


def _why_unsound(entry: Entry, key: str, branch: Branch) -> str:
    if not entry.is_sound or entry.key != key:
        return f"{key} is not as it was written"
    if set(entry.outputs) != set(branch.by_output) or any(not _is_whole(each) for each in entry.outputs.values()):
        return f"{key} does not have what {branch.name} makes"
    return ""


def _is_whole(output: CachedOutput) -> bool:
    return output.counts.done == output.counts.tasks


def _lacking(store: Storage, entry: Entry) -> Iterator[str]:
    """Yield what is amiss with the objects of an entry."""
    for output in entry.outputs.values():
        wanted = output.object
        found = store.head(wanted.key, wanted.version)
        if found is None:
            yield f"{wanted.key} of run {entry.run} is gone"
        elif found.is_archived:
            yield f"{wanted.key} of run {entry.run} is in {found.storage}"
        elif not wanted.is_same(ObjectVersion.of(found)) or found.checksum != output.checksum:
            yield f"{wanted.key} of run {entry.run} has other bytes than were merged"
        elif found.metadata.get(IDENTITY) != entry.identity:
            yield f"{wanted.key} of run {entry.run} is of something else"


def find_reusable(store: Storage, record: RunRecord) -> dict[str, Entry]:
    """Return the entries of the branches that a run would reuse, as the cache is now."""
    if record.no_cache:
        return {}
    pipeline = frozen(record)
    branches = {branch.name: branch for stage in pipeline.stages for branch in stage.branches}
    wanted = identities(record).items()
    found = {name: find_entry(store, pipeline.name, branches[name], identity)[0] for name, identity in wanted}
    return {name: entry for name, entry in found.items() if entry}
