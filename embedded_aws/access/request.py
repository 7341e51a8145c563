"""A request as it came over the wire: what is signed is what was sent."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO
from urllib.parse import unquote

WIRE_HEADERS = "embedded_aws.headers"  # in the WSGI environment: every header line, as (name, value)
_ORIGIN_FORM = re.compile(r"/[\x21\x22\x24-\x7e]*")  # printable, and without the "#" that no request has


@dataclass(frozen=True)
class Request:
    """Method, raw target, and header lines with names in lower case; the body is read from its start."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: BinaryIO

    @property
    def is_origin_form(self) -> bool:
        """Tell a target that is a path from a URL, a `*`, or one with a fragment or with bytes that no URL has."""
        return _ORIGIN_FORM.fullmatch(self.target) is not None

    @cached_property
    def path(self) -> str:
        """Return the path, encoded as it was sent."""
        return self.target.partition("?")[0]

    @cached_property
    def query(self) -> str:
        """Return the query, encoded as it was sent."""
        return self.target.partition("?")[2]

    @cached_property
    def arguments(self) -> tuple[tuple[str, str], ...]:
        """Return the query's names and values, in their order."""
        pairs = (pair.partition("=") for pair in self.query.split("&") if pair)
        return tuple((unquote(name), unquote(value)) for name, _, value in pairs)

    def argument(self, name: str) -> str | None:
        """Return the first value of an argument."""
        return next((value for known, value in self.arguments if known == name), None)

    def lines(self, name: str) -> list[str]:
        """Return the values of every line of a header; the name is in lower case."""
        return self._by_name.get(name, [])

    def header(self, name: str) -> str | None:
        """Return a header, its lines joined; None where there is none."""
        found = self._by_name.get(name)
        return ",".join(found) if found else None

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the names of its headers."""
        return frozenset(self._by_name)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in self.headers:
            found.setdefault(name, []).append(value)
        return found


def wire_lines(lines: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return header lines with their names in lower case."""
    return tuple((name.lower(), value) for name, value in lines)


def request_of(environ: dict[str, Any]) -> Request:
    """Return the request of a WSGI environment that the server's own `Task` made."""
    return Request(
        method=environ["REQUEST_METHOD"],
        target=environ["REQUEST_URI"],
        headers=wire_lines(environ[WIRE_HEADERS]),
        body=environ["wsgi.input"],
    )
