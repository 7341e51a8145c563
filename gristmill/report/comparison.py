"""The comparison page of a batch: its items side by side, in one file that loads nothing and runs nothing.

It sorts without scripts: each row has its place in the order by each column, and a style sheet takes the one that is
chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gristmill.enums import RunStatus
from gristmill.report.page import environment

Sorted = int | float | str | None


@dataclass(frozen=True)
class Cell:
    """A cell as it is shown, and what it is sorted by; `is_number` has it on the right, `below` stands smaller."""

    text: str
    sort: Sorted = None
    is_number: bool = False
    below: str = ""


@dataclass(frozen=True)
class ItemRow:
    """An item of the page: its cells, its status, and the data URIs of its pictures by their names."""

    name: str
    status: RunStatus | None
    cells: Sequence[Cell]
    pictures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """What the page shows; the first of `columns` is the item's name."""

    title: str
    run: str
    owner: str
    counts: str
    facts: Sequence[tuple[str, str]]
    columns: Sequence[str]
    rows: Sequence[ItemRow]
    left_out: Sequence[str]
    made: datetime
    made_by: str


def comparison_page(comparison: Comparison) -> str:
    """Return the page."""
    places = [_places([row.cells[column] for row in comparison.rows]) for column in range(len(comparison.columns))]
    orders = list(zip(*places, strict=True))
    return environment().get_template("comparison.html.j2").render(comparison=comparison, orders=orders)


def _places(cells: Sequence[Cell]) -> list[int]:
    """Return the place of each cell in the order of its column: numbers before texts, what has none last."""
    order = sorted(range(len(cells)), key=lambda index: _key(cells[index].sort))
    places = {index: place for place, index in enumerate(order)}
    return [places[index] for index in range(len(cells))]


def _key(value: Sorted) -> tuple[int, float, str]:
    if value is None:
        return 2, 0.0, ""
    return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, value)
