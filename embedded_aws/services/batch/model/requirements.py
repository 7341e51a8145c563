"""What AWS asks of containers, retries and timeouts, in definitions and in requests. Pure."""

import re
from collections.abc import Iterator

from embedded_aws.services.batch.model.resources import Json
from embedded_aws.settings.limits import BATCH_ATTEMPTS_MAX, BATCH_TIMEOUT_MIN_SECONDS

_KINDS = ("VCPU", "MEMORY", "GPU")
_RESERVED = "AWS_BATCH"
_RULES_MAX = 5
_CONDITIONS = {  # letters, digits, dots, colons and blanks, an asterisk only at the end (API reference, EvaluateOnExit)
    "onReason": re.compile(r"[A-Za-z0-9.: \t]*\*?"),
    "onStatusReason": re.compile(r"[A-Za-z0-9.: \t]*\*?"),
    "onExitCode": re.compile(r"[0-9]*\*?"),
}


def container_problems(container: Json, *, is_fargate: bool = False) -> Iterator[str]:
    """Yield what AWS would refuse in a definition's container."""
    asked = {requirement["type"] for requirement in container.get("resourceRequirements", [])}
    for name, old in (("VCPU", "vcpus"), ("MEMORY", "memory")):
        if name not in asked and not container.get(old):
            yield f"Container.resourceRequirements must have {name}"
    yield from override_problems(container, is_fargate=is_fargate)
    yield from _secret_problems(container)


def _secret_problems(container: Json) -> Iterator[str]:
    names = [secret["name"] for secret in container.get("secrets", [])]
    if names and not container.get("executionRoleArn"):
        yield "A container with secrets must have an executionRoleArn"
    taken = names + [variable["name"] for variable in container.get("environment", [])]
    for name in dict.fromkeys(name for name in names if taken.count(name) > 1):
        yield f"The secret name must be unique and not shared with any environment variable: {name}"


def override_problems(container: Json, *, is_fargate: bool = False) -> Iterator[str]:
    """Yield what AWS would refuse in a container or in overrides of one."""
    for variable in container.get("environment", []):
        if variable.get("name", "").startswith(_RESERVED):
            yield f"Environment variable names must not start with {_RESERVED}: {variable['name']}"
    for requirement in container.get("resourceRequirements", []):
        if requirement["type"] not in _KINDS:
            yield f"A resource requirement is one of {', '.join(_KINDS)}: {requirement['type']}"
        elif not _is_amount(requirement["value"], is_fargate and requirement["type"] == "VCPU"):
            yield f"The value of {requirement['type']} must be a whole number of at least 1: {requirement['value']!r}"


def _is_amount(text: str, is_fraction_allowed: bool) -> bool:
    if is_fraction_allowed:
        return re.fullmatch(r"0?\.25|0?\.5|[1-9]\d*(\.0)?", text) is not None
    return text.isdecimal() and int(text) >= 1


def retry_problems(strategy: Json) -> Iterator[str]:
    """Yield what AWS would refuse in a retry strategy."""
    attempts, rules = strategy.get("attempts"), strategy.get("evaluateOnExit", [])
    if attempts is not None and not 1 <= attempts <= BATCH_ATTEMPTS_MAX:
        yield f"Retry attempts must be between 1 and {BATCH_ATTEMPTS_MAX}: {attempts}"
    if rules and attempts is None:
        yield "evaluateOnExit needs attempts"
    if len(rules) > _RULES_MAX:
        yield f"A retry strategy has at most {_RULES_MAX} rules: {len(rules)}"
    for rule in rules:
        if rule["action"].upper() not in ("RETRY", "EXIT"):
            yield f"The action of evaluateOnExit is RETRY or EXIT: {rule['action']}"
        for name, pattern in _CONDITIONS.items():
            if not pattern.fullmatch(rule.get(name, "")):
                yield f"{name} has letters, digits, dots, colons and blanks, and * only at its end: {rule[name]!r}"


def timeout_problems(timeout: Json) -> Iterator[str]:
    """Yield what AWS would refuse in a timeout."""
    seconds = timeout.get("attemptDurationSeconds")
    if seconds is not None and seconds < BATCH_TIMEOUT_MIN_SECONDS:
        yield f"attemptDurationSeconds must be at least {BATCH_TIMEOUT_MIN_SECONDS}: {seconds}"
