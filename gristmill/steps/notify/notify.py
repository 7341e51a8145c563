"""Notify: tell what a run came to, and settle executions that ended without telling."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gristmill import keys
from gristmill.batch.jobs import end_jobs
from gristmill.cost.bill import together
from gristmill.cost.gather import Observed, Sources
from gristmill.enums import RunStatus
from gristmill.errors import Refused
from gristmill.outcome.event import News, may_tell, outcome_key, read_change, read_payload
from gristmill.outcome.summary import Story, make_story, priced
from gristmill.report.facts import earlier_outcomes
from gristmill.report.write import reported
from gristmill.runs.at_work import Invocation, at_work, is_stopped
from gristmill.runs.cursor import nth_attempt
from gristmill.runs.reading import find_readable
from gristmill.runs.records import Outcome, RunRecord
from gristmill.steps.notify.mail import attributes, body, subject
from gristmill.storage.s3 import Store

_FIRST_RETRY = 2


@dataclass(frozen=True)
class Post:
    """What Notify works with: the store, where doings are asked, a client of SNS and the topic, the time, itself."""

    store: Store
    sources: Sources
    sns: Any
    topic: str
    now: datetime
    work: Invocation


def notify(post: Post, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the state machine's notice, or an `Execution Status Change` event.

    An execution that was started by hand, and asks for nothing that Gristmill does, is nobody's run: nobody is told.
    """
    is_change, bucket = "detail-type" in payload, post.store.bucket
    try:
        news = read_change(payload.get("detail"), bucket) if is_change else read_payload(payload, bucket)
    except Refused as refused:
        return {"run": "", "told": False, "why_not": refused.what}
    if is_change:
        return settle(post, news)
    with at_work(post.store, news.run, post.work):
        record = find_record(post.store, news.run)
        if is_repeated(payload) or not may_tell(news, record) or is_stopped(post.store, news.run, news.execution):
            return {"run": news.run, "told": False}
        return tell(post, news, record)


def is_repeated(payload: Mapping[str, Any]) -> bool:
    """Tell whether a notice says what one said before: a stage that is tried once more than twice.

    `attempt` is the one to come. The mail at the run's end tells the rest.
    """
    return payload["status"] == RunStatus.RETRYING and nth_attempt(payload.get("attempt", 0)) > _FIRST_RETRY


def settle(post: Post, news: News) -> dict[str, Any]:
    """End what an ended execution left running, and tell its end unless that was told.

    The jobs of a run are ended only by the execution that owns it: another one may be at work on it by now.
    """
    record = find_record(post.store, news.run)
    if not may_tell(news, record):
        return {"run": news.run, "told": False, "ended": 0}
    owns = record is None or record.execution == news.execution
    ended = end_jobs(post.sources.batch, post.sources.queues, news.run, f"execution {news.status}") if owns else []
    if was_told(post.store, news):
        return {"run": news.run, "told": False, "ended": len(ended)}
    return {**tell(post, news, record), "ended": len(ended)}


def was_told(store: Store, news: News) -> bool:
    """Tell whether this very end was told; a notice of success that came before a failure does not count."""
    outcome = find_readable(store, Outcome, outcome_key(news.run, news.execution))
    return outcome is not None and outcome.status is news.status


def tell(post: Post, news: News, record: RunRecord | None) -> dict[str, Any]:
    """Publish the notice, then note the outcome of an execution that has ended: told twice is better than never."""
    story = make_story(post.store, news, record, post.now)
    if news.is_end:
        story = _ended(post, story, news, record)
    post.sns.publish(
        TopicArn=post.topic, Subject=subject(story), Message=body(story), MessageAttributes=attributes(story)
    )
    if news.is_end:
        made = outcome(story, news).model_dump_json().encode()
        post.store.put(outcome_key(news.run, news.execution), made)
    return {"run": news.run, "told": True, "unreported": story.unreported}


def _ended(post: Post, story: Story, news: News, record: RunRecord | None) -> Story:
    """Return the story of an execution that ends, with its cost and its report."""
    if record is None:
        return reported(post.store, post.sources, story, news, None, Observed())
    story, seen = priced(story, post.sources, record, news.execution)
    costs = [*(one.cost for one in earlier_outcomes(post.store, news)), story.cost]
    bills = [one for one in costs if one]
    story = replace(story, spent=together(bills) if bills else None)
    return reported(post.store, post.sources, story, news, record, seen)


def outcome(story: Story, news: News) -> Outcome:
    """Return what the execution came to, as its notice told it."""
    return Outcome(
        run=news.run,
        execution=news.execution,
        status=news.status,
        reason=story.reason,
        started_at=story.started_at,
        ended_at=story.ended_at,
        results=[one.key for one in story.results],
        cost=story.cost,
        estimate=story.estimate,
    )


def find_record(store: Store, run: str) -> RunRecord | None:
    """Return a run's record, None where it was never claimed or cannot be read: its owner is told all the same."""
    return find_readable(store, RunRecord, keys.run_record(run))
