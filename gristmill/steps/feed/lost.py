"""Find items whose execution never began, or ended without telling: a batch does not wait for them for ever."""

from datetime import datetime, timedelta

from gristmill.batches.ends import Fed, ItemEnd, Progress, end_of, find_fed, write_end
from gristmill.enums import RunStatus
from gristmill.keys import Place
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import find_readable_record
from gristmill.runs.request import drop_event
from gristmill.steps.feed.drops import FeedClients, find_execution, start

LOST_AFTER = timedelta(minutes=15)  # EventBridge starts an execution within seconds, and the end notice takes minutes
_LOOKED_AT = 50  # items a look; Step Functions answers 15 DescribeExecution a second


def tell_lost(clients: FeedClients, record: RunRecord, progress: Progress, looks: int) -> bool:
    """Write the end of some of the items that are lost, at each look of others; return whether any was."""
    running = sorted(progress.running.items())
    first = looks * _LOOKED_AT % max(1, len(running))
    told = False
    for item, number in (running[first:] + running[:first])[:_LOOKED_AT]:
        fed = find_fed(clients.store, record.run, Place(item, number))
        end = _lost(clients, record, fed) if fed else None
        if end:
            write_end(clients.store, record.run, end)
            told = True
    return told


def _lost(clients: FeedClients, record: RunRecord, fed: Fed) -> ItemEnd | None:
    """Return the end of an item that is lost, None where it may go on yet."""
    now = clients.store.clock.utc()
    is_earlier = fed.round < record.fence
    if now - fed.at < LOST_AFTER and not is_earlier:
        return None
    own = find_readable_record(clients.store, fed.run)
    if own is None and is_earlier:
        return _begun_again(clients, record, fed, now)
    if own is None:
        return _failed(fed, now, f"no execution has begun since {fed.key} was dropped; its event is lost")
    if own.round < fed.round and not own.complete:
        return _failed(fed, now, f"run {fed.run} was to be resumed, and no execution has taken it over")
    return _by_execution(clients, fed, own, now)


def _begun_again(clients: FeedClients, record: RunRecord, fed: Fed, now: datetime) -> ItemEnd | None:
    """Begin an item whose drop came to nothing, for its batch was stopped then: by the same event, so it is one run.

    Return its end where that came to nothing, too.
    """
    executions = record.execution.rpartition(":")[0]
    name = f"{fed.run}-again-{record.fence}"
    seen = find_execution(clients, f"{executions}:{name}")
    if seen is None:
        start(clients, executions, name, drop_event(clients.store.bucket, fed.key, fed.version))
    if seen is None or seen.ended is None:
        return None
    return _failed(fed, now, f"no execution has claimed run {fed.run}, though its drop was repeated")


def _by_execution(clients: FeedClients, fed: Fed, own: RunRecord, now: datetime) -> ItemEnd | None:
    seen = find_execution(clients, own.execution)
    if own.complete:
        return end_of(fed, RunStatus.SUCCEEDED, "", own.claimed_at, now)
    if seen is None:
        return _failed(fed, now, f"{own.execution} is gone, and has not told how it ended")
    if seen.ended is None or now - seen.ended < LOST_AFTER:
        return None
    reason = f"{own.execution} ended, and nobody told of it"
    return end_of(fed, seen.status, reason, seen.started, seen.ended)


def _failed(fed: Fed, now: datetime, reason: str) -> ItemEnd:
    return end_of(fed, RunStatus.FAILED, reason, fed.at, now)
