"""The comparison page of a batch: sorted without scripts, and what is anybody's text is text."""

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gristmill.enums import RunStatus
from gristmill.report.comparison import Cell, Comparison, ItemRow, comparison_page

COLUMNS = ["Item", "k", "Status"]


def page(rows: list[ItemRow]) -> str:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return comparison_page(Comparison("p/sweep", "ab", "miller", "1 FAILED", [], COLUMNS, rows, [], made, "1"))


def row(name: str, k: int | float | str | None, status: RunStatus | None = RunStatus.SUCCEEDED) -> ItemRow:
    return ItemRow(
        name, status, [Cell(name, name), Cell(str(k), k), Cell(str(status), str(status))], {"x.svg": "data:,"}
    )


def orders(text: str, column: int) -> list[int]:
    rows = re.findall(r'<tr role="row" style="([^"]*)"', text)
    return [int(re.findall(rf"--o{column}:(\d+);", style)[0]) for style in rows]


@given(
    st.lists(st.one_of(st.none(), st.integers(-9, 9), st.floats(-9, 9), st.text(max_size=3)), min_size=1, max_size=6)
)
def test_a_row_has_its_place_by_each_column_numbers_first_and_nothing_last(values: list[int | float | str | None]):
    found = orders(page([row("a", value) for value in values]), 1)
    assert sorted(found) == list(range(len(values)))
    inorder = [values[found.index(place)] for place in range(len(values))]
    kinds = [2 if value is None else 1 if isinstance(value, str) else 0 for value in inorder]
    assert kinds == sorted(kinds)
    numbers = [value for value in inorder if isinstance(value, int | float)]
    assert numbers == sorted(numbers)


def test_text_of_others_is_text_and_the_page_loads_and_runs_nothing():
    odd = "<script>alert(1)</script>\"'\x1b[2J"
    failed = ItemRow(
        odd, RunStatus.FAILED, [Cell(odd, odd), Cell("1", 1), Cell("FAILED", "FAILED", below=odd)], {odd: "data:,"}
    )
    text = page([failed, row("b", None, None)])
    assert "<script" not in text and "\x1b" not in text
    assert "default-src 'none'" in text
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert text.count('type="radio"') == len(COLUMNS)
