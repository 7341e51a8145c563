"""Channels: the ways by which a notice reaches people. A channel is one file in this package.

Notify makes a `Notice` of a run and hands it to `email.Email`, which publishes it to the topic. Every other channel
subscribes to the topic with a function of its own, and gets the same notice from there (`read_notice`). So no run waits
for a channel or fails by it, and each channel is tried again, and its losses kept, apart from the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from gristmill import printable
from gristmill.enums import RunStatus
from gristmill.errors import Corrupt, GristmillError

_ATTRIBUTE_MAX = 256  # characters
_TEXT_MAX = 8 * 1024  # bytes of text in a notice that channels get from the topic
_RESULTS_MAX = 12 * 1024  # bytes of results, as JSON, likewise
_WARNINGS_MAX = 8 * 1024  # bytes of warnings, as JSON, likewise


@dataclass(frozen=True)
class Notice:
    """A message about a run, for people (`subject`, `text`) and for programs (all else)."""

    subject: str  # printable ASCII, at most 100 characters
    text: str  # the mail's body
    pipeline: str
    status: RunStatus
    run: str
    owner: str
    at: datetime  # when it was made
    input: str  # s3:// URI of the dropped file, as of all files here
    started: datetime
    ended: datetime | None  # None while the run goes on
    results: Sequence[str]
    result_count: int  # `results` may be cut short
    report: str | None
    cost: float | None  # dollars
    reason: str  # empty where the run succeeded
    warnings: Sequence[str] = ()  # a line for each figure out of its bounds; may be cut short

    @property
    def attributes(self) -> dict[str, str]:
        """Return what subscriptions filter by; what is empty is left out."""
        values = {"pipeline": self.pipeline, "status": self.status, "run": self.run, "owner": self.owner}
        return {name: printable.line(value)[:_ATTRIBUTE_MAX] for name, value in values.items() if value}


class Channel(Protocol):
    """A way to send notices."""

    @property
    def name(self) -> str:
        """Return its name, for logs."""
        ...

    def send(self, notice: Notice) -> None:
        """Send a notice, within seconds. To return is to say that it was taken: it is never sent again.

        Raise NotSent, or any other exception, where it was not taken. Whoever invoked the function tries again: the
        state machine for Notify, Lambda (twice, minutes apart) for a function that subscribes. What still fails then
        lies in the dead-letter queue, whose alarm rings. No error is final before: what a channel is configured with
        may be mended meanwhile. A notice can come twice; give each try the same identity if the receiver knows one.
        """


class NotSent(GristmillError):
    """Raised when a receiver did not take a notice; says which and why, without the secrets of its address."""


_ADAPTER = TypeAdapter(Notice)


def write_notice(notice: Notice) -> str:
    """Return a notice as the JSON that functions get from the topic, at most 48 KiB; long texts are cut."""
    results, warnings = fitting(notice.results, _RESULTS_MAX), fitting(notice.warnings, _WARNINGS_MAX)
    short = replace(notice, text=cut(notice.text, _TEXT_MAX), results=list(results), warnings=list(warnings))
    return _ADAPTER.dump_json(short).decode()


def read_notice(text: str) -> Notice:
    """Read what the topic handed on; Corrupt where it is no notice."""
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        raise Corrupt(f"not a notice of a run: {error.errors(include_input=False)[0]['msg']}") from None


def as_json(notice: Notice) -> dict[str, Any]:
    """Return a notice as JSON has it."""
    data: dict[str, Any] = _ADAPTER.dump_python(notice, mode="json")
    return data


def cut(text: str, most: int) -> str:
    """Return the beginning of a text, at most so many bytes of UTF-8."""
    return text.encode()[:most].decode(errors="ignore")


def fitting(texts: Sequence[str], most: int) -> Sequence[str]:
    """Return as many of the texts, from the first on, as `most` bytes of JSON have room for."""
    used = 0
    for count, text in enumerate(texts):
        used += len(to_json(text))
        if used > most:
            return texts[:count]
    return texts
