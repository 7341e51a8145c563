"""Whether an attempt that failed is followed by another: `evaluateOnExit` as AWS applies it. Pure."""

from collections.abc import Sequence
from typing import Any

from embedded_aws.services.batch.model.model import Attempt
from embedded_aws.settings.limits import BATCH_ATTEMPTS_MAX


def counted(attempts: Sequence[Attempt]) -> int:
    """Return how many tries are used up: those lost with a part of the embedded AWS are not a job's own, up to a bound.

    A job that is to be tried once only is not tried again, as on AWS.
    """
    if len(attempts) >= BATCH_ATTEMPTS_MAX:
        return len(attempts)
    return max(1, sum(not attempt.is_lost for attempt in attempts))


def is_retried(attempt: Attempt, done: int, tries: int, rules: Sequence[dict[str, Any]]) -> bool:
    """Return whether a failed attempt is retried: the first rule that matches decides, and without one it is.

    A job that ran past its timeout is not retried.
    """
    if attempt.is_timed_out or done >= tries:
        return False
    for rule in rules:
        if matches(rule, attempt):
            return str(rule["action"]).upper() == "RETRY"
    return True


def matches(rule: dict[str, Any], attempt: Attempt) -> bool:
    """Return whether all conditions of a rule hold; each is a glob with `*` only at its end."""
    facts = {
        "onReason": attempt.reason,
        "onStatusReason": attempt.status_reason,
        "onExitCode": "" if attempt.exit_code is None else str(attempt.exit_code),
    }
    return all(_glob(pattern, facts[name]) for name, pattern in rule.items() if name in facts)


def _glob(pattern: str, text: str) -> bool:
    if pattern.endswith("*"):
        return text.lower().startswith(pattern[:-1].lower())
    return text.lower() == pattern.lower()
