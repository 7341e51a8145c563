"""The ceiling: what a run may be expected to cost at most."""

import math
import re
from collections.abc import Mapping

from gristmill.cost.bill import dollars, largest_item
from gristmill.pipeline import metadata as user_metadata
from gristmill.runs.records import Bill

NAME = "max_cost"
_NUMBER = re.compile(r"\$?([0-9]{1,9}(?:\.[0-9]*)?|\.[0-9]+)")


def read_ceiling(metadata: Mapping[str, str], default: float | None) -> tuple[float | None, list[str]]:
    """Return the ceiling in dollars, None for none, and what is wrong with it.

    The dropped object's `max-cost` goes before the stack's; 0 and nothing are no ceiling.
    """
    given = user_metadata.read(metadata)[0].get(NAME)
    if given is None:
        return default or None, []
    match = _NUMBER.fullmatch(given.strip() or "0")
    if match is None:
        return None, [f"parameter {NAME}: {given!r} is not a number of dollars such as 2.50 (0: no ceiling)"]
    return float(match[1]) or None, []


def over_ceiling(expected: Bill, ceiling: float | None) -> list[str]:
    """Return why a run may not start: it is expected to cost more than it may."""
    if ceiling is None or expected.total <= ceiling or math.isclose(expected.total, ceiling):
        return []
    return [
        f"the run would cost about {dollars(expected.total)} ({expected.region} list prices of {expected.prices_of}), "
        f"and its ceiling is {dollars(ceiling)}; most of it is {largest_item(expected)}. Nothing was started. Drop a "
        f"smaller file, let tasks be larger, or drop it again with a higher max-cost (0: no ceiling)"
    ]
