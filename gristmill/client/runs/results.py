"""The results of a run: listed, and brought to this machine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gristmill import keys
from gristmill.client.runs.find import Run
from gristmill.client.stack import Stack
from gristmill.errors import Corrupt
from gristmill.outcome.summary import results as published
from gristmill.runs.records import RunRecord


@dataclass(frozen=True)
class Result:
    """One object among a run's results; `name` is its key without the run's prefix."""

    key: str
    name: str
    size: int
    storage: str  # class: what is in GLACIER or DEEP_ARCHIVE must be restored before it can be read


def results(stack: Stack, run: Run) -> list[Result]:
    """Return what the run has published."""
    return results_of(stack, run.dropped, run.run, run.record)


def results_of(stack: Stack, dropped: keys.Dropped, run: str, record: RunRecord | None) -> list[Result]:
    """Return what a run of this drop has published."""
    prefix = keys.results_prefix(dropped.pipeline, dropped.name, run)
    found = published(stack.store, dropped, run, record)
    return [Result(result.key, result.key.removeprefix(prefix), result.size, result.storage) for result in found]


def download(
    stack: Stack, run: Run, folder: Path, progress: Callable[[int], None] | None = None
) -> Iterator[tuple[Result, Path]]:
    """Write each result to `folder/<run>/<name>`, whole or not at all; yield them as they come."""
    for result in results(stack, run):
        yield result, fetch_result(stack, result, folder / run.run, progress)


def fetch_result(stack: Stack, result: Result, folder: Path, progress: Callable[[int], None] | None = None) -> Path:
    """Write a result to `folder/<name>`, whole or not at all; return its place."""
    root = folder.absolute()
    place = (root / result.name).resolve()
    if not place.is_relative_to(root.resolve()):
        raise Corrupt(f"the result {result.key} has a name that leads out of {root}.")
    place.parent.mkdir(parents=True, exist_ok=True)
    stack.store.download(result.key, place, progress)
    return place
