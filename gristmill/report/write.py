"""Writing a run's report; whatever keeps it from being written is told, and keeps nothing else back."""

import logging
from dataclasses import replace

from gristmill import keys
from gristmill.cost.gather import Observed, Sources
from gristmill.errors import GristmillError, Refused
from gristmill.limits import S3_KEY_MAX_BYTES
from gristmill.outcome.event import News
from gristmill.outcome.summary import Story
from gristmill.report.facts import gather
from gristmill.report.make import make
from gristmill.report.page import page
from gristmill.report.pictures import load
from gristmill.report.tables import load as load_tables
from gristmill.runs.records import RunRecord
from gristmill.storage.s3 import Store
from gristmill.timebox import within

_SECONDS = 50.0
_REASON = 300
logger = logging.getLogger(__name__)


def reported(
    store: Store, sources: Sources, story: Story, news: News, record: RunRecord | None, seen: Observed
) -> Story:
    """Return the story with its report written, or with why it is not: a mail must not wait for its report."""
    try:
        within(_SECONDS, lambda: write(store, sources, story, news, record, seen))
    except Exception as error:
        logger.exception("the report is not written")
        why = error.what if isinstance(error, GristmillError) else f"{type(error).__name__}: {error}"
        return replace(story, unreported=why[:_REASON])
    return replace(story, report=_key(story, "html"))


def write(store: Store, sources: Sources, story: Story, news: News, record: RunRecord | None, seen: Observed) -> None:
    """Write `report.json`, then `report.html`; Refused where S3 has no key for them."""
    if len(_key(story, "html").encode()) > S3_KEY_MAX_BYTES:
        raise Refused(["the file's name is too long for it"])
    pictures, tables = load(store, story.results), load_tables(store, story.results)
    report = make(gather(store, sources, story, news, record, seen), pictures.listed, pictures.left_out, tables)
    store.put(_key(story, "json"), report.model_dump_json(indent=1).encode(), "application/json")
    store.put(_key(story, "html"), page(report, pictures.embedded).encode(), "text/html; charset=utf-8")


def _key(story: Story, kind: str) -> str:
    return keys.report(story.pipeline, story.name, story.run, kind)
