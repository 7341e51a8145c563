"""Tables and times, as people read them on a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from gristmill import printable
from gristmill.enums import RunStatus
from gristmill.humanize import shortened
from gristmill.outcome.wording import ended

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_GAP = 2  # blanks between columns
_CELL_MAX = 200  # characters of a cell
_WHOLE = 40  # characters of a word that is not broken: ids of runs and jobs, and more
COLOURS = {
    RunStatus.SUCCEEDED: "green",
    RunStatus.PARTIAL: "yellow",
    RunStatus.RUNNING: "cyan",
    RunStatus.RETRYING: "yellow",
    RunStatus.FAILED: "red",
    RunStatus.ABORTED: "yellow",
    RunStatus.TIMED_OUT: "red",
}


def named(values: Mapping[str, str]) -> str:
    """Return values behind their names."""
    return " ".join(f"{name}={value}" for name, value in values.items())


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()) -> "Table":
    """Return a plain table; columns named in `right` hold numbers.

    Long cells fold, and only what is longer than any sentence loses its middle; ids, numbers and times of day stay
    whole, however narrow the terminal.
    """
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    cells = [[styled(shortened(cell, _CELL_MAX)) if isinstance(cell, str) else cell for cell in row] for row in rows]
    for place, name in enumerate(columns):
        words = [word for row in cells for word in row[place].plain.split()]
        whole = max((len(word) for word in words if len(word) <= _WHOLE), default=0)
        justify: Literal["left", "right"] = "right" if name in right else "left"
        made.add_column(name, justify=justify, overflow="fold", min_width=max(whole, len(name)))
    for row in cells:
        made.add_row(*row)
    return made


def styled(*parts: "str | Text | tuple[str, str]") -> "Text":
    """Return a line for Rich, of texts and texts with a style; neither Rich's markup nor controls work in them."""
    from rich.text import Text

    made = Text()
    for part in parts:
        text, style = part if isinstance(part, tuple) else (part, "")
        shown = text if isinstance(text, Text) else printable.short(text).replace("\t", r"\t")  # Rich folds at tabs
        made.append(shown, style or None)
    return made


def coloured(status: RunStatus, warnings: int = 0, style: str = "") -> "Text":
    """Return a status, with the warnings that a success comes with, in its colour and perhaps another style."""
    colour = "yellow" if warnings and status is RunStatus.SUCCEEDED else COLOURS[status]
    return styled((ended(status, warnings), f"{style} {colour}".strip()))


def moment(when: datetime) -> str:
    """Return a time as people read it, in their own zone."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def seconds(count: float) -> str:
    """Return a time span as people say it."""
    from datetime import timedelta

    from gristmill.humanize import duration

    return duration(timedelta(seconds=count))


def size(count: int) -> str:
    """Return bytes as people say them."""
    from gristmill.humanize import size as readable

    return readable(count)
