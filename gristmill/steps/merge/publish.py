"""Publish a branch's segments once all its tasks are done, and tell whether that was done."""

from collections.abc import Callable

from gristmill import keys
from gristmill.enums import OutputKind
from gristmill.pipeline.model import Branch
from gristmill.runs.coverage import Coverage, Slice
from gristmill.runs.locations import find_branch, frozen, output_key, result_branches
from gristmill.runs.records import RunRecord
from gristmill.steps.merge.files import file_name, listing, listing_key
from gristmill.storage import ObjectInfo, Piece, Storage

_COPIERS = 16


def is_published(store: Storage, record: RunRecord, branch: Branch, held: Coverage) -> bool:
    """Tell whether what `publish` makes of this cover is there, whole."""
    key = output_key(record, branch.name)
    if branch.output is OutputKind.FILES:
        there = {copy.key: copy.size for copy in store.list(key)}
        return listing_key(record, branch) in there and all(
            there.get(_file(record, branch, part)) == part.end - part.start for part in held.slices
        )
    return is_merged(store.head(key), held)


def is_merged(output: ObjectInfo | None, held: Coverage) -> bool:
    """Tell whether an output is the merge of this cover.

    Any cover of the same tasks has the same bytes, so the size and the number of tasks decide.
    """
    tasks = held.slices[-1].span.end if held.slices else 0
    size = held.size + len("".join(held.headers))
    return output is not None and output.size == size and output.metadata.get("gristmill-tasks") == str(tasks)


def publish(
    store: Storage, record: RunRecord, branch: Branch, held: Coverage, check: Callable[[], None] = lambda: None
) -> None:
    """Join the slices into one object behind their header, or copy each task's file to its name and list them.

    `check` is asked before the joined object appears, and raises where it must not; files are too many to ask for each.
    """
    place = keys.BranchKeys(record.run, find_branch(frozen(record), branch.name)[0].name, branch.name)
    if branch.output is OutputKind.FILES:
        store.together(lambda part: _copy(store, place, _file(record, branch, part), part), held.slices, _COPIERS)
        store.put(listing_key(record, branch), listing(store, record, branch, held), "text/csv; charset=utf-8")
        return
    pieces = [Piece(part.segment, part.start, part.end) for part in held.slices if part.end > part.start]
    header = "".join(held.headers).encode("latin-1")
    if header:
        store.put(place.header, header)
        pieces.insert(0, Piece(place.header, 0, len(header)))
    metadata = {"gristmill-run": record.run, "gristmill-tasks": str(held.slices[-1].span.end if held.slices else 0)}
    store.compose(output_key(record, branch.name), pieces, metadata, place.merging, check)


def _copy(store: Storage, place: keys.BranchKeys, key: str, part: Slice) -> None:
    metadata = {"gristmill-run": place.run}
    store.compose(key, [Piece(part.segment, part.start, part.end)], metadata, f"{place.merging}{part.span}/")


def _file(record: RunRecord, branch: Branch, part: Slice) -> str:
    return f"{output_key(record, branch.name)}{file_name(record, branch, part.span.first)}"


def publishes(record: RunRecord, branch: Branch) -> bool:
    """Tell whether a complete branch is to be merged or copied: files that are no results stay where they are."""
    return branch.is_merged or (branch.output is OutputKind.FILES and branch.name in result_branches(frozen(record)))
