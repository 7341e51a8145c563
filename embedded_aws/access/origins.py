"""Pages of other origins: what the bucket's own CORS rules admit, and nothing else (the Fetch standard, and S3's)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from embedded_aws.access.request import Request


@dataclass(frozen=True)
class Rule:
    """One CORS rule of a bucket."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: str = ""


def foreign_origin(request: Request) -> str | None:
    """Return the origin of the page that sent a request; None where no page did, or one of this very host."""
    lines = request.lines("origin")
    own = f"http://{request.header('host')}"
    if not lines or lines == [own]:
        return None
    return ",".join(lines)


def is_preflight(request: Request) -> bool:
    """Tell a browser's question whether a page may send a request."""
    return request.method == "OPTIONS"


def admitting(rules: Iterable[Rule], request: Request, origin: str) -> Rule | None:
    """Return the first rule that admits a page's request, or what its preflight asks for."""
    asked = request.header("access-control-request-method") if is_preflight(request) else request.method
    wanted = _names(request.header("access-control-request-headers") or "") if is_preflight(request) else []
    for rule in rules:
        if asked in rule.methods and _any(rule.origins, origin) and all(_any(rule.headers, name) for name in wanted):
            return rule
    return None


def answer_headers(rule: Rule, request: Request, origin: str) -> list[tuple[str, str]]:
    """Return what tells the browser that its page is admitted."""
    anybody = "*" in rule.origins
    headers = {
        "Access-Control-Allow-Origin": "*" if anybody else origin,
        "Access-Control-Allow-Methods": ", ".join(rule.methods),
        "Access-Control-Allow-Headers": (request.header("access-control-request-headers") or "").lower(),
        "Access-Control-Expose-Headers": ", ".join(rule.exposed),
        "Access-Control-Max-Age": rule.max_age,
        "Access-Control-Allow-Credentials": "" if anybody else "true",
        "Vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }
    return [(name, value) for name, value in headers.items() if value]


def _names(text: str) -> list[str]:
    return [name.strip().lower() for name in text.split(",") if name.strip()]


def _any(patterns: Iterable[str], text: str) -> bool:
    """Return whether one of the patterns, each with at most a `*`, is that text in any case."""
    return any(_matches(pattern, text) for pattern in patterns)


def _matches(pattern: str, text: str) -> bool:
    wanted = ".*".join(map(re.escape, pattern.lower().split("*")))
    return re.fullmatch(wanted, text.lower()) is not None
