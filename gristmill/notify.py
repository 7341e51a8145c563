"""Notify: tell what a run came to, and settle executions that ended without telling."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gristmill import keys
from gristmill.cost.gather import Sources, measure
from gristmill.drop import read_drop
from gristmill.jobs import end_jobs
from gristmill.notice import Story, attributes, body, subject
from gristmill.parameters import owner
from gristmill.records import Bill, Finding, Outcome, RunRecord
from gristmill.store import Store
from gristmill.words import RunStatus


@dataclass(frozen=True)
class Post:
    """What Notify works with: the store, clients of SNS, Batch and Step Functions, the topic, the queues, the time."""

    store: Store
    sns: Any
    batch: Any
    states: Any
    topic: str
    queues: Sequence[str]
    now: datetime


@dataclass(frozen=True)
class News:
    """What is to be told of which execution."""

    status: RunStatus
    execution: str
    event: Mapping[str, Any]
    started_at: datetime
    reason: str


def notify(post: Post, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the state machine's notice, or an `Execution Status Change` event."""
    if "detail-type" in payload:
        return settle(post, payload)
    news = read_payload(payload)
    record = find_record(post.store, run_of(news.event))
    return tell(post, news, record) if may_tell(news, record) else {"run": run_of(news.event), "told": False}


def may_tell(news: News, record: RunRecord | None) -> bool:
    """Tell whether an execution speaks for its run: it owns it, was to take it over, or nobody has claimed it.

    Any other is a duplicate, or a resume of a run that never was: nobody's business.
    """
    resumes = "resume" in news.event
    return not resumes if record is None else resumes or record.execution == news.execution


def read_payload(payload: Mapping[str, Any]) -> News:
    """Read the state machine's notice; an error's name and cause become the reason where there is no other."""
    error = payload.get("error") or {}
    place = " of stage ".join(text for text in (payload.get("state"), payload.get("stage")) if text)
    why = f"{place}: {cause_of(error)}" if error else ""
    return News(
        status=RunStatus(payload["status"]),
        execution=payload["execution"],
        event=payload["event"],
        started_at=datetime.fromisoformat(payload["started"]),
        reason=payload.get("reason") or why,
    )


def cause_of(error: Mapping[str, str]) -> str:
    """Return a state's error in one line; what a function raised comes as JSON inside its cause."""
    name, cause = error.get("Error", ""), error.get("Cause") or ""
    try:
        raised = json.loads(cause)
        return f"{raised['errorType']}: {raised['errorMessage']}"
    except (ValueError, TypeError, KeyError):
        return f"{name}: {cause}" if cause else name


def settle(post: Post, event: Mapping[str, Any]) -> dict[str, Any]:
    """End what an ended execution left running, and tell its end unless that was told.

    The jobs of a run are ended only by the execution that owns it: another one may be at work on it by now.
    """
    detail = event["detail"]
    news = News(
        status=RunStatus(detail["status"]),
        execution=detail["executionArn"],
        event=read_input(detail),
        started_at=datetime.fromtimestamp(detail["startDate"] / 1000, UTC),
        reason=": ".join(text for text in (detail.get("error"), detail.get("cause")) if text),
    )
    run = run_of(news.event)
    record = find_record(post.store, run)
    if not may_tell(news, record):
        return {"run": run, "told": False, "ended": 0}
    owns = record is None or record.execution == news.execution
    ended = end_jobs(post.batch, post.queues, run, f"execution {news.status}") if owns else []
    if was_told(post.store, news):
        return {"run": run, "told": False, "ended": len(ended)}
    return {**tell(post, news, record), "ended": len(ended)}


def was_told(store: Store, news: News) -> bool:
    """Tell whether this very end was told; a notice of success that came before a failure does not count."""
    raw = store.find(outcome_key(run_of(news.event), news.execution))
    return raw is not None and Outcome.model_validate_json(raw).status is news.status


def read_input(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an execution's input from its status event, where it is JSON text."""
    parsed: Mapping[str, Any] = json.loads(detail["input"])
    return parsed


def tell(post: Post, news: News, record: RunRecord | None) -> dict[str, Any]:
    """Publish the notice, then note the outcome of an execution that has ended: told twice is better than never."""
    run = run_of(news.event)
    story = make_story(post, news, record)
    post.sns.publish(
        TopicArn=post.topic, Subject=subject(story), Message=body(story), MessageAttributes=attributes(story)
    )
    if news.status is not RunStatus.RETRYING:
        outcome = Outcome(
            run=run,
            execution=news.execution,
            status=news.status,
            reason=story.reason,
            started_at=story.started_at,
            ended_at=story.ended_at,
            results=[key for key, _ in story.results],
            cost=story.cost,
            estimate=story.estimate,
        )
        post.store.put(outcome_key(run, news.execution), outcome.model_dump_json().encode())
    return {"run": run, "told": True}


def make_story(post: Post, news: News, record: RunRecord | None) -> Story:
    """Gather what a notice tells; a run without a record (Split failed before its claim) has little to say."""
    run = run_of(news.event)
    key, size, whose = _dropped(post.store, news, record)
    dropped = keys.parse_input(key)
    prefix = keys.results_prefix(dropped.pipeline, dropped.name, run)
    found = findings(post.store, record) if record else []
    spent, unpriced = cost(post, news, record, found)
    return Story(
        status=news.status,
        run=run,
        pipeline=dropped.pipeline,
        name=dropped.name,
        owner=whose,
        input_size=size,
        bucket=post.store.bucket,
        started_at=news.started_at,
        ended_at=post.now,
        reason="" if news.status is RunStatus.SUCCEEDED else news.reason,
        findings=found,
        results=[(one.key, one.size) for one in post.store.list(prefix)],
        cost=spent,
        unpriced=unpriced,
        estimate=expected(post.store, run),
        faults=record.faults if record else [],
    )


def cost(post: Post, news: News, record: RunRecord | None, found: Sequence[Finding]) -> tuple[Bill | None, str]:
    """Return what an execution that ends has cost, else why that is not known: no price keeps a notice back."""
    if record is None or news.status is RunStatus.RETRYING:
        return None, ""
    try:
        return measure(Sources(post.states, post.batch, post.queues), record, news.execution, found, post.now), ""
    except (BotoCoreError, ClientError) as error:
        return None, f"AWS does not tell what the run did ({error})"


def expected(store: Store, run: str) -> float | None:
    """Return the dollars that the run was expected to cost, None where it was refused before that was known."""
    raw = store.find(keys.estimate(run))
    return Bill.model_validate_json(raw).total if raw is not None else None


def _dropped(store: Store, news: News, record: RunRecord | None) -> tuple[str, int, str]:
    """Return the dropped object's key and size, and its owner."""
    if record:
        return record.input.key, record.input.size, record.owner
    drop = read_drop(news.event)
    head = store.head(drop.key, drop.version)
    return drop.key, drop.size, owner(head.metadata if head else {}, drop.requester)


def findings(store: Store, record: RunRecord) -> list[Finding]:
    """Return the last finding of each stage that was checked."""
    found = []
    for stage in record.pipeline.stages if record.pipeline else []:
        checks = [one.key for one in store.list(keys.checks(record.run, stage.name))]
        if checks:
            found.append(Finding.model_validate_json(store.read(checks[-1])))
    return found


def run_of(event: Mapping[str, Any]) -> str:
    """Return the run that an execution's input is about."""
    return str(event["resume"]["run"]) if "resume" in event else read_drop(event).run


def find_record(store: Store, run: str) -> RunRecord | None:
    """Return a run's record, None where it was never claimed."""
    raw = store.find(keys.run_record(run))
    return RunRecord.model_validate_json(raw) if raw is not None else None


def outcome_key(run: str, execution: str) -> str:
    """Return the key of an execution's outcome."""
    return keys.outcome(run, execution.rpartition(":")[2])
