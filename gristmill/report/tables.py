"""Read the first rows of tables among the results."""

import csv
import io
from collections.abc import Iterator, Sequence

from gristmill.report.model import Table
from gristmill.storage import ObjectInfo, Storage

SHOWN = 4
ROWS, COLUMNS, LETTERS = 6, 12, 80  # shown of a table, its head among them; of each cell
_READ = 64 * 1024  # bytes
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def load(store: Storage, results: Sequence[ObjectInfo]) -> list[Table]:
    """Return the beginnings of the first tables among results; a file that is no text is left out."""
    named = [result for result in results if delimiter(result.key)]
    heads = ((result, store.read(result.key, 0, min(result.size, _READ))) for result in named[:SHOWN])
    found = (table(result.key, result.size, head) for result, head in heads)
    return [beginning for beginning in found if beginning]


def delimiter(key: str) -> str | None:
    """Return what parts the cells of a table, None where the key's ending is no table's."""
    return next((mark for ending, mark in _DELIMITERS.items() if key.lower().endswith(ending)), None)


def table(key: str, size: int, head: bytes) -> Table | None:
    """Return the first rows of a table whose bytes begin with `head`; None where these are no rows of text."""
    text = head.decode("utf-8-sig", errors="replace")
    if "\0" in text:
        return None
    try:
        rows = list(_rows(text, delimiter(key) or ",", size > len(head)))
    except csv.Error:
        return None
    shown = [[_short(cell) for cell in row[:COLUMNS]] for row in rows[:ROWS]]
    wide = any(len(row) > COLUMNS for row in rows[:ROWS])
    return Table(key=key, rows=shown, more_rows=len(rows) > ROWS, more_columns=wide) if shown else None


def _rows(text: str, mark: str, is_cut: bool) -> Iterator[list[str]]:
    """Yield one row more than is shown at most; the last one is left out where the text is cut there."""
    before: list[str] | None = None
    for count, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=mark)):
        if before is not None:
            yield before
        before = row
        if count > ROWS:
            return
    if before is not None and not is_cut:
        yield before


def _short(cell: str) -> str:
    return cell if len(cell) <= LETTERS else f"{cell[:LETTERS]}…"
