"""Who gets a run's notices by email, and which of them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from gristmill.client.stack import Stack
from gristmill.enums import RunStatus
from gristmill.errors import NotFound, Refused

_PENDING = "PendingConfirmation"


@unique
class On(StrEnum):
    """Which ends of runs a subscription tells."""

    SUCCESS = "success"
    FAILURE = "failure"


_STATUSES = {
    On.SUCCESS: [RunStatus.SUCCEEDED],
    On.FAILURE: [RunStatus.FAILED, RunStatus.ABORTED, RunStatus.TIMED_OUT],
}


@dataclass(frozen=True)
class Subscription:
    """An address and its filter: of which pipelines (none: all) and which ends (none: all, and retries)."""

    email: str
    pipelines: tuple[str, ...]
    on: On | None
    confirmed: bool
    arn: str


def policy(pipelines: Sequence[str], on: On | None) -> dict[str, list[str]]:
    """Return SNS's filter policy for a subscription; empty for everything."""
    made: dict[str, list[str]] = {}
    if pipelines:
        made["pipeline"] = sorted(set(pipelines))
    if on:
        made["status"] = [str(status) for status in _STATUSES[on]]
    return made


def subscribe(stack: Stack, email: str, pipelines: Sequence[str], on: On | None) -> Subscription:
    """Subscribe an address, or give the subscription that it has another filter."""
    if email.count("@") != 1 or not email.isprintable() or " " in email or email[0] == "@" or email[-1] == "@":
        raise Refused([f"{email!r} is no email address."])
    sns, wanted = stack.client("sns"), json.dumps(policy(pipelines, on))
    held = [one for one in subscriptions(stack) if one.email == email and one.confirmed]
    if held:
        sns.set_subscription_attributes(
            SubscriptionArn=held[0].arn, AttributeName="FilterPolicy", AttributeValue=wanted
        )
        return _read(sns, email, held[0].arn)
    answer = sns.subscribe(
        TopicArn=stack.output("TopicArn"),
        Protocol="email",
        Endpoint=email,
        Attributes={"FilterPolicy": wanted} if policy(pipelines, on) else {},
        ReturnSubscriptionArn=True,
    )
    return _read(sns, email, answer["SubscriptionArn"])


def unsubscribe(stack: Stack, email: str) -> list[Subscription]:
    """End the subscriptions of an address; NotFound without one, Refused for one that was never confirmed."""
    held = [one for one in subscriptions(stack) if one.email == email]
    if not held:
        raise NotFound(f"{email} has no subscription.", "See which there are with: gristmill subscriptions")
    if not any(one.confirmed for one in held):
        raise Refused([f"{email} never confirmed; SNS forgets such a subscription after two days by itself."])
    for one in held:
        if one.confirmed:
            stack.client("sns").unsubscribe(SubscriptionArn=one.arn)
    return held


def subscriptions(stack: Stack) -> list[Subscription]:
    """Return the email subscriptions, sorted by address."""
    return sorted(_all(stack), key=lambda one: one.email)


def _all(stack: Stack) -> Iterator[Subscription]:
    sns = stack.client("sns")
    for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=stack.output("TopicArn")):
        for one in page["Subscriptions"]:
            if one["Protocol"] == "email":
                yield _read(sns, one["Endpoint"], one["SubscriptionArn"])


def _read(sns: Any, email: str, arn: str) -> Subscription:
    if arn == _PENDING:
        return Subscription(email, (), None, False, arn)
    told = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    filtered = json.loads(told.get("FilterPolicy") or "{}")
    statuses = filtered.get("status", [])
    on = next((one for one, names in _STATUSES.items() if set(names) == set(statuses)), None)
    pending = str(told.get("PendingConfirmation", "false")).lower() == "true"
    return Subscription(email, tuple(filtered.get("pipeline", [])), on, not pending, arn)
