"""The results of a batch's items: listed, and brought to this machine, a folder for each item."""

from collections.abc import Callable, Iterator
from pathlib import Path

from gristmill.client.batches.look import BatchLook, ItemLook
from gristmill.client.runs.results import Result, fetch_result, results_of
from gristmill.client.stack import Stack
from gristmill.enums import RunStatus
from gristmill.runs.repository import find_record

_DONE = (RunStatus.SUCCEEDED, RunStatus.PARTIAL)


def batch_results(stack: Stack, look: BatchLook) -> Iterator[tuple[ItemLook, Result]]:
    """Yield what each item that has succeeded, or is PARTIAL, has published."""
    done = [item for item in look.items if item.run and item.status in _DONE]
    for item, found in zip(done, stack.store.together(lambda item: _published(stack, item), done), strict=True):
        yield from ((item, result) for result in found)


def download_batch(
    stack: Stack, look: BatchLook, folder: Path, progress: Callable[[int], None] | None = None
) -> Iterator[tuple[ItemLook, Result, Path]]:
    """Write each result to `folder/<item>/<name>`, whole or not at all; yield them as they come."""
    for item, result in batch_results(stack, look):
        yield item, result, fetch_result(stack, result, folder / item.name, progress)


def _published(stack: Stack, item: ItemLook) -> list[Result]:
    record = find_record(stack.store, item.run or "")
    return results_of(stack, record.dropped, record.run, record) if record else []
