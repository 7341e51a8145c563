"""Tasks in keys. Numbers are zero-padded, so that string order is numeric order."""

import re
from dataclasses import dataclass

TASK_DIGITS = 12
ATTEMPT_DIGITS = 4
_SPAN = re.compile(r"(\d{12})-(\d{12})(?:\.json)?$")


@dataclass(frozen=True)
class Span:
    """Tasks [first, end) of a branch."""

    first: int
    end: int

    def __str__(self) -> str:
        return f"{self.first:0{TASK_DIGITS}d}-{self.end:0{TASK_DIGITS}d}"


def parse_span(key: str) -> Span:
    """Read the tasks of a segment or receipt from its key."""
    match = _SPAN.search(key)
    if match is None:
        raise ValueError(f"not the key of a segment or receipt: {key}")
    return Span(int(match[1]), int(match[2]))


def task_name(task: int) -> str:
    """Return a task's number as keys have it."""
    return f"{task:0{TASK_DIGITS}d}"
