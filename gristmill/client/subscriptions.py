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
    """Which ends of runs a subscription announces."""

    SUCCESS = "success"
    FAILURE = "failure"


_STATUSES = {
    On.SUCCESS: [RunStatus.SUCCEEDED],
    On.FAILURE: [RunStatus.PARTIAL, RunStatus.FAILED, RunStatus.ABORTED, RunStatus.TIMED_OUT],
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
    held = [
        subscription for subscription in subscriptions(stack) if subscription.email == email and subscription.confirmed
    ]
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
    held = [subscription for subscription in subscriptions(stack) if subscription.email == email]
    if not held:
        raise NotFound(f"{email} has no subscription.", "See which there are with: gristmill subscriptions")
    if not any(subscription.confirmed for subscription in held):
        raise Refused([f"{email} never confirmed; SNS forgets such a subscription after two days by itself."])
    for subscription in held:
        if subscription.confirmed:
            stack.client("sns").unsubscribe(SubscriptionArn=subscription.arn)
    return held


def subscriptions(stack: Stack) -> list[Subscription]:
    """Return the email subscriptions, sorted by address."""
    return sorted(_all(stack), key=lambda subscription: subscription.email)


def _all(stack: Stack) -> Iterator[Subscription]:
    sns = stack.client("sns")
    for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=stack.output("TopicArn")):
        for subscription in page["Subscriptions"]:
            if subscription["Protocol"] == "email":
                yield _read(sns, subscription["Endpoint"], subscription["SubscriptionArn"])


def _read(sns: Any, email: str, arn: str) -> Subscription:
    if arn == _PENDING:
        return Subscription(email, (), None, False, arn)
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    filtered = json.loads(attributes.get("FilterPolicy") or "{}")
    statuses = filtered.get("status", [])
    on = next((on for on, names in _STATUSES.items() if statuses and set(statuses) <= set(names)), None)
    pending = str(attributes.get("PendingConfirmation", "false")).lower() == "true"
    return Subscription(email, tuple(filtered.get("pipeline", [])), on, not pending, arn)
