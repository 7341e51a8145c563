"""Enter a run's end into the catalogue."""

from collections.abc import Callable, Iterable

from gristmill.catalogue.entry import begun, ended, unclaimed
from gristmill.catalogue.table import Catalogue
from gristmill.keys import Dropped
from gristmill.outcome.event import ExecutionEvent
from gristmill.outcome.ownership import owns
from gristmill.outcome.summary import RunSummary
from gristmill.runs.records import Outcome, RunRecord
from gristmill.runs.repository import find_readable_record
from gristmill.storage import Storage


def enter_end(
    store: Storage,
    catalogue: Catalogue,
    event: ExecutionEvent,
    record: RunRecord | None,
    earlier: Iterable[Outcome],
    outcome: Outcome,
    summarize: Callable[[], RunSummary],
) -> str:
    """Enter what an execution came to, if its run is its own; return why that could not be written, empty if it was.

    A resume that failed before it took the run over leaves the run as it was. The outcome has been written by now: a
    Split that claims the run from here on finds it, and one that has claimed it meanwhile is found here.
    """
    if record is None or not owns(event, record):
        record = find_readable_record(store, event.run)
    if record is None:
        told = summarize()
        dropped = Dropped(told.pipeline, told.name)
        entry = unclaimed(event.run, event.execution, dropped, told.owner, told.input_size, event.started_at)
        return catalogue.note(ended(entry, outcome))
    return catalogue.note(ended(begun(record, outcome.started_at, earlier), outcome)) if owns(event, record) else ""
