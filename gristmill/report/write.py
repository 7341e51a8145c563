"""Write a run's report; a failure to write it is reported in the notice, and stops nothing else."""

import logging
from collections.abc import Callable
from dataclasses import replace

from gristmill import keys
from gristmill.cost.gather import CostClients, Observation
from gristmill.errors import GristmillError, Refused, Superseded
from gristmill.limits import S3_KEY_MAX_BYTES
from gristmill.outcome.event import ExecutionEvent
from gristmill.outcome.ownership import check_may_report
from gristmill.outcome.summary import RunSummary
from gristmill.outcome.wording import describe_error
from gristmill.report.facts import gather
from gristmill.report.make import make
from gristmill.report.page import page
from gristmill.report.pictures import load
from gristmill.report.tables import load as load_tables
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage
from gristmill.timebox import NoAnswer

_SECONDS = 50.0
_REASON = 300
logger = logging.getLogger(__name__)


def with_report(
    store: Storage,
    clients: CostClients,
    summary: RunSummary,
    event: ExecutionEvent,
    record: RunRecord | None,
    seen: Observation,
) -> RunSummary:
    """Return the summary with its report written, or with why it is not: a notice must not wait for its report."""
    until = store.clock.now() + _SECONDS

    def check() -> None:
        check_may_report(store, event)
        if store.clock.now() > until:
            raise NoAnswer("it is too late")

    try:
        store.clock.call_with_timeout(_SECONDS, lambda: write(store, clients, summary, event, record, seen, check))
    except Superseded:
        raise
    except Exception as error:
        logger.exception("the report is not written")
        why = error.what if isinstance(error, GristmillError) else describe_error(type(error).__name__, str(error))
        return replace(summary, unreported=why[:_REASON])
    return replace(summary, report=_key(summary, "html"))


def write(
    store: Storage,
    clients: CostClients,
    summary: RunSummary,
    event: ExecutionEvent,
    record: RunRecord | None,
    seen: Observation,
    check: Callable[[], None],
) -> None:
    """Write `report.json`, then `report.html`, unless `check` raises; Refused where S3 has no key for them."""
    if len(_key(summary, "html").encode()) > S3_KEY_MAX_BYTES:
        raise Refused(["the file's name is too long for it"])
    pictures, tables = load(store, summary.results), load_tables(store, summary.results)
    report = make(gather(store, clients, summary, event, record, seen), pictures.listed, pictures.left_out, tables)
    data, shown = report.model_dump_json(indent=1), page(report, pictures.embedded)
    store.put_checked(_key(summary, "json"), data.encode(), check, "application/json")
    store.put_checked(_key(summary, "html"), shown.encode(), check, "text/html; charset=utf-8")


def _key(summary: RunSummary, kind: str) -> str:
    return keys.report(summary.pipeline, summary.name, summary.run, kind)
