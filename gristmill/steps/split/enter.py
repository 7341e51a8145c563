"""Enter a run into the catalogue as its new owner begins."""

from datetime import datetime

from gristmill.catalogue.entry import Entry, begun, ended
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import find_outcome, read_outcomes
from gristmill.storage import Storage


def entry_of(store: Storage, record: RunRecord, now: datetime) -> Entry:
    """Return the entry of a run that an execution has just claimed or taken over.

    The execution may have been stopped meanwhile. Its end writes its outcome and then looks whose the run is; Split
    writes whose it is and then looks for the outcome: so one of the two enters the end.
    """
    earlier = read_outcomes(store, record.run) if record.resumes else ()
    entry = begun(record, now, (outcome for outcome in earlier if outcome.execution != record.execution))
    over = find_outcome(store, record.run, record.execution)
    return ended(entry, over) if over else entry
