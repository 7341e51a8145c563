"""What the cache holds for later runs, and how it is emptied."""

from collections.abc import Iterator
from dataclasses import dataclass

from gristmill import keys
from gristmill.cache.entry import Entry
from gristmill.client.stack import Stack
from gristmill.runs.reading import readable
from gristmill.storage import ObjectInfo

_REMOVERS = 16


@dataclass(frozen=True)
class Cached:
    """The entries of the cache, and how many cannot be read or are not as they were written: these are never used."""

    entries: list[Entry]
    unusable: int


def list_entries(stack: Stack, pipeline: str | None) -> Cached:
    """Return the entries of a pipeline, or of all, the newest first."""
    listed = [found.key for found in _listed(stack, pipeline)]
    found = [entry for entry in readable(stack.store, Entry, listed) if entry.is_sound]
    return Cached(sorted(found, key=lambda entry: entry.at, reverse=True), len(listed) - len(found))


def drop_entries(stack: Stack, pipeline: str | None) -> int:
    """Remove the entries of a pipeline, or all; return how many. What they point at stays with its runs."""
    listed = [found.key for found in _listed(stack, pipeline)]
    stack.store.together(stack.store.delete, listed, _REMOVERS)
    return len(listed)


def _listed(stack: Stack, pipeline: str | None) -> Iterator[ObjectInfo]:
    yield from stack.store.list(keys.cached_prefix(pipeline) if pipeline else keys.CACHED)
