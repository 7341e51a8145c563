"""Matching events with rules and handing them to a pool of deliverers."""

import json
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.events.models import EventsBackend, events_backends

from embedded_aws.services.events import delivery, s3
from embedded_aws.settings.settings import Settings

_DELIVERERS = 16


@dataclass
class Bus:
    """The default event bus: its settings, and the threads that deliver."""

    settings: Settings
    pool: ThreadPoolExecutor


_bus: list[Bus] = []  # the one bus, once installed


def dispatch(event: dict[str, Any]) -> None:
    """Deliver an event to the targets of every enabled rule that matches it; returns at once."""
    bus = _bus[0]
    backend = events_backends[bus.settings.account][bus.settings.region]
    for rule in list(backend.event_buses["default"].rules.values()):
        if rule.state == "ENABLED" and rule.event_pattern.get_pattern() and rule.event_pattern.matches_event(event):
            for target in list(rule.targets):
                bus.pool.submit(delivery.deliver, bus.settings, rule.arn, target, event)


def is_wanted(source: str) -> bool:
    """Return whether a rule may match events of a source: asked before events by the thousand are made."""
    if not _bus:
        return False  # the embedded AWS goes down
    bus = _bus[0]
    backend = events_backends[bus.settings.account][bus.settings.region]
    patterns = (rule.event_pattern.get_pattern() for rule in list(backend.event_buses["default"].rules.values()))
    return any(pattern and source in pattern.get("source", [source]) for pattern in patterns)


def emit(source: str, detail_type: str, detail: dict[str, Any], resources: Sequence[str] = ()) -> None:
    """Dispatch an event of a service of the embedded AWS."""
    settings = _bus[0].settings
    dispatch(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": settings.account,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": settings.region,
            "resources": list(resources),
            "detail": detail,
        }
    )


def install(settings: Settings) -> None:
    """Send what S3 and PutEvents produce through `dispatch`."""
    close()
    _bus.append(Bus(settings, ThreadPoolExecutor(_DELIVERERS, thread_name_prefix="event")))

    def put_events(_self: Any, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for event in events:
            emit(event["Source"], event["DetailType"], json.loads(event["Detail"]), event.get("Resources", []))
        return [{"EventId": str(uuid.uuid4())} for _ in events]

    EventsBackend.put_events = put_events
    s3.install(emit)


def close() -> None:
    """Let go of the deliverers; what waits for a retry is dropped, as the whole AWS is."""
    while _bus:
        _bus.pop().pool.shutdown(wait=False, cancel_futures=True)
