"""Tasks in keys. Numbers are zero-padded, so that string order is numeric order."""

import re
from dataclasses import dataclass

TASK_DIGITS = 12
ATTEMPT_DIGITS = 4
_SPAN = re.compile(rf"/([0-9]{{{TASK_DIGITS}}})-([0-9]{{{TASK_DIGITS}}})(?:\.json)?\Z")


@dataclass(frozen=True)
class Span:
    """Tasks [first, end) of a branch."""

    first: int
    end: int

    def __str__(self) -> str:
        return f"{self.first:0{TASK_DIGITS}d}-{self.end:0{TASK_DIGITS}d}"


def parse_span(key: str) -> Span | None:
    """Read the tasks of a segment or receipt from its key; None from any other."""
    match = _SPAN.search(key)
    span = Span(int(match[1]), int(match[2])) if match else None
    return span if span and span.first < span.end else None


def task_name(task: int) -> str:
    """Return a task's number as keys have it."""
    return f"{task:0{TASK_DIGITS}d}"
