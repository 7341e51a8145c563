"""Publish a branch's segments once its tasks are done or left out, and look whether that is still there."""

import hashlib
from collections.abc import Callable, Iterable, Iterator

from gristmill import keys
from gristmill.cache.identity import identities
from gristmill.cache.lookup import IDENTITY
from gristmill.clock import seldom
from gristmill.enums import OutputKind
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage
from gristmill.runs.coverage import Coverage, Slice
from gristmill.runs.left_out import task_numbers
from gristmill.runs.locations import branch_keys, find_branch, frozen, output_key, result_branches
from gristmill.runs.pinned import ObjectVersion, Published, find_published
from gristmill.runs.records import RunRecord
from gristmill.runs.result_files import FINGERPRINT, file_name, files_of, listing_key, metadata_of
from gristmill.steps.merge.files import listing
from gristmill.storage import ObjectInfo, Piece, Storage

_COPIERS = 16


def is_published(store: Storage, record: RunRecord, branch: Branch, held: Coverage) -> bool:
    """Return whether this cover was published, and is there with the bytes that were.

    Any cover of the same tasks has the same bytes, so the size and the number of tasks decide which cover it was.
    """
    made = find_published(store, _place(record, branch))
    size = held.size + len("".join(held.headers))
    wanted = (held.tasks, list(task_numbers(held.missing)), size)
    is_this = made is not None and (made.tasks, made.left_out, made.output.size) == wanted
    return is_this and stands(store, record, branch, made)


def stands(store: Storage, record: RunRecord, branch: Branch, made: Published | None) -> bool:
    """Return whether what was published of a branch is there, with the bytes that were, and as it is computed now."""
    if made is None or made.output.key != output_key(record, branch.name):
        return False
    if branch.output is OutputKind.FILES:
        there = {found.key: found for found in store.list(made.output.key)}
        wanted = [there.get(key) for key in files_of(record, branch, made)]
        return None not in wanted and _digest(filter(None, wanted)) == made.output.etag
    found = store.head(made.output.key)
    if found is None or not made.output.is_same(ObjectVersion.of(found)):
        return False
    return found.metadata.get(FINGERPRINT) == _place(record, branch).fingerprint


def lost_results(store: Storage, record: RunRecord, stages: Iterable[Stage]) -> Iterator[str]:
    """Yield the keys of those results of stages that are gone, or have other bytes than were merged."""
    results = result_branches(frozen(record))
    for branch in (made for stage in stages for made in stage.made):
        is_result = branch.name in results and publishes(record, branch)
        if is_result and not stands(store, record, branch, find_published(store, _place(record, branch))):
            yield output_key(record, branch.name)


def publish(
    store: Storage, record: RunRecord, branch: Branch, held: Coverage, check: Callable[[], None] = lambda: None
) -> None:
    """Join the slices into one object behind their header, or copy each task's file to its name and list them.

    What was made is recorded last, with its ETag. `check` is asked before an object appears, and raises where it must
    not; files are so many that it is asked once a second. Changed where a segment is no longer the one in the cover.
    """
    if branch.output is OutputKind.FILES:
        output = _copied(store, record, branch, held, check)
    else:
        output = _joined(store, record, branch, held, check)
    made = Published(output=output, tasks=held.tasks, left_out=list(task_numbers(held.missing)))
    store.put_checked(_place(record, branch).published, made.model_dump_json().encode(), check)


def _joined(
    store: Storage, record: RunRecord, branch: Branch, held: Coverage, check: Callable[[], None]
) -> ObjectVersion:
    place = _place(record, branch)
    pieces = [Piece(part.segment, part.start, part.end, part.etag) for part in held.slices if part.end > part.start]
    header = "".join(held.headers).encode("latin-1")
    if header:
        pieces.insert(0, Piece(place.header, 0, len(header), store.put(place.header, header)))
    metadata = {**_metadata(record, branch), "gristmill-tasks": str(held.tasks)}
    if held.missing:
        metadata["gristmill-left-out"] = str(held.tasks_missing)
    return ObjectVersion.of(store.compose(output_key(record, branch.name), pieces, metadata, place.merging, check))


def _copied(
    store: Storage, record: RunRecord, branch: Branch, held: Coverage, check: Callable[[], None]
) -> ObjectVersion:
    place, metadata = _place(record, branch), _metadata(record, branch)

    def copy(part: Slice) -> ObjectInfo:
        key = f"{output_key(record, branch.name)}{file_name(record, branch, part.span.first)}"
        piece = Piece(part.segment, part.start, part.end, part.etag)
        now_and_then()
        return store.compose(key, [piece], metadata, f"{place.merging}{part.span}/")

    now_and_then = seldom(check, store.clock)
    copies = store.together(copy, held.slices, _COPIERS)
    text = listing(store, record, branch, held)
    store.put_checked(listing_key(record, branch), text, check, "text/csv; charset=utf-8")
    listed = store.head(listing_key(record, branch))
    digest = _digest([*copies, *([listed] if listed else [])])
    return ObjectVersion(key=output_key(record, branch.name), version=None, etag=digest, size=held.size)


def _digest(files: Iterable[ObjectInfo]) -> str:
    """Return a digest of the keys, sizes and ETags of files."""
    made = hashlib.sha256()
    for file in files:
        made.update(f"{file.key}\0{file.size}\0{file.etag}\n".encode())
    return made.hexdigest()


def _metadata(record: RunRecord, branch: Branch) -> dict[str, str]:
    """Return what every merged object says of itself: its identity, too, where another run may reuse it."""
    identity = identities(record).get(branch.name.partition(".")[0])
    return metadata_of(_place(record, branch)) | ({IDENTITY: identity} if identity else {})


def _place(record: RunRecord, branch: Branch) -> keys.BranchKeys:
    return branch_keys(record, find_branch(frozen(record), branch.name)[0].name, branch.name)


def publishes(record: RunRecord, branch: Branch) -> bool:
    """Return whether a complete branch is merged or copied: files that are no results stay where they are."""
    return branch.is_merged or (branch.output is OutputKind.FILES and branch.name in result_branches(frozen(record)))
