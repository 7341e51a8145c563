"""Stopping a batch: first what feeds it, so that no item begins any more, then the items that go on."""

from collections.abc import Callable

from gristmill.batches.ends import find_fed, read_progress
from gristmill.client.runs.find import Run, find_run, record_or_lack
from gristmill.client.runs.still_at_work import functions
from gristmill.client.runs.stopped import Stopped
from gristmill.client.stack import Stack
from gristmill.enums import RunStatus
from gristmill.keys import Place

_AT_ONCE = 16  # items
_LOOK_SECONDS = 0.5


def stop_with_items(stack: Stack, run: Run, halt: Callable[[Run], Stopped], seconds: float) -> Stopped:
    """Stop a run by `halt`, and where it is a batch then its items; return what was ended of all, and the proof.

    An item whose execution has not claimed it never does: it looks for the stop of its batch, as a function at work
    looks for that of its run. An item that is being claimed is waited for, `seconds` at most.
    """
    own = halt(run)
    if run.record is None or run.record.items is None or not own.proved:
        return own

    def of_item(place: tuple[int, int]) -> Stopped | None:
        fed = find_fed(stack.store, run.run, Place(*place))
        return _stop_item(stack, fed.run, halt, seconds) if fed else None

    running = list(read_progress(stack.store, run.run).running.items())
    items = [stopped for stopped in stack.store.together(of_item, running, _AT_ONCE) if stopped]
    return _joined(own, items)


def _stop_item(stack: Stack, item: str, halt: Callable[[Run], Stopped], seconds: float) -> Stopped | None:
    """Stop an item's run; None where it was not claimed, and nothing is about to."""
    clock = stack.store.clock
    begun = clock.now()
    while record_or_lack(stack, item)[0] is None:
        working, _ = functions(stack, item)
        if not working and record_or_lack(stack, item)[0] is None:
            return None
        if working and clock.now() - begun > seconds:
            return Stopped(item, RunStatus.RUNNING, RunStatus.RUNNING, [], clock.now() - begun, [], working)
        clock.sleep(_LOOK_SECONDS)
    return halt(find_run(stack, item))


def _joined(own: Stopped, items: list[Stopped]) -> Stopped:
    """Return what was ended of a batch and of its items, as one."""
    everything = [own, *items]
    living = any(stopped.status is RunStatus.RUNNING for stopped in items)
    return Stopped(
        own.run,
        own.was,
        RunStatus.RUNNING if living else own.status,
        [job for stopped in everything for job in stopped.jobs],
        own.seconds + max((stopped.seconds for stopped in items), default=0.0),
        list(dict.fromkeys(what for stopped in everything for what in stopped.waited_for)),
        [waiting for stopped in everything for waiting in stopped.still],
        items=sum(stopped.was is RunStatus.RUNNING for stopped in items),
    )
