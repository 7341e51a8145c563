"""Printing: answers on stdout, everything beside them on stderr; colours and live views on terminals only.

The one door to the terminal: whatever text passes through it is data, shown as `gristmill.printable` shows it.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gristmill import printable
from gristmill.cli.terminal.tables import _GAP, table

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 10_000  # columns where nobody looks: a pipe gets each row on one line


def console(stderr: bool = False) -> "Console":
    """Return a console of stdout or stderr as they are now."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    on_terminal = bool(stream.isatty())
    width = None if on_terminal else _WIDE
    return Console(file=stream, width=width, highlight=False, markup=False, force_terminal=on_terminal)


def note(text: str) -> None:
    """Print a line beside the answer, on stderr."""
    line = printable.short(text)
    typer.echo(typer.style(line, dim=True) if _colours(sys.stderr) else line, err=True)


class _Notes(logging.Handler):
    """Shows each warning once, however often a command that follows a run comes upon it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._shown: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text not in self._shown:
            self._shown.add(text)
            note(f"warning: {text}")


def show_warnings() -> None:
    """Show the warnings of Gristmill's own code on stderr."""
    logger = logging.getLogger("gristmill")
    logger.handlers[:] = [_Notes()]
    logger.propagate = False


def out(text: str = "") -> None:
    """Print one line of the answer; a line end in it is data, and shown as such."""
    typer.echo(printable.line(text))


def lines(text: str) -> None:
    """Print text of several lines as part of the answer."""
    for each in text.split("\n"):
        out(each)


def trace() -> None:
    """Print the trace of the error that is being handled, on stderr."""
    typer.echo(printable.block(traceback.format_exc().rstrip()), err=True)


def confirm(question: str) -> bool:
    """Ask on stderr; return the answer."""
    return typer.confirm(printable.line(question), err=True)


def logged(prefix: str, text: str, raw: bool) -> None:
    """Print a line of a log, escaped, or to the byte as it was written if `raw`; the next may be long in coming."""
    shown = text.encode("utf-8", "replace").decode() if raw else printable.line(text)
    sys.stdout.write(f"{prefix}{shown}\n")  # not by typer.echo, which takes colours out of pipes
    sys.stdout.flush()


def rich(item: Any) -> None:
    """Print one of Rich's renderables as the answer, without blanks at the ends of lines."""
    screen = console()
    narrowest = sum((column.min_width or 0) + _GAP for column in getattr(item, "columns", ()))
    screen.width = max(screen.width, narrowest)
    with screen.capture() as captured:
        screen.print(item, crop=False)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())


def problem(what: str, mend: str = "") -> None:
    """Print an error and how to mend it, on stderr."""
    mark = typer.style("error:", fg="red", bold=True) if _colours(sys.stderr) else "error:"
    end = "" if what.endswith((".", "?", "!")) else "."
    typer.echo(f"{mark} {printable.short(what)}{end} {printable.short(mend)}".rstrip(), err=True)


def _colours(stream: Any) -> bool:
    return bool(stream.isatty()) and "NO_COLOR" not in os.environ


def emit(value: Any) -> None:
    """Print JSON for machines: the whole answer, and nothing else on stdout."""
    typer.echo(printable.json_text(json.dumps(value, default=_plain, ensure_ascii=False, indent=2)))


def emit_line(value: Any) -> None:
    """Print JSON for machines in a line of its own, at once: one item of an answer that goes on."""
    typer.echo(printable.json_text(json.dumps(value, default=_plain, ensure_ascii=False)))
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"cannot be written as JSON: {type(value)}")


def listing(
    found: Sequence[Any],
    json: bool,
    columns: Sequence[str],
    row: Callable[[Any], Sequence[Any]],
    right: Sequence[str] = (),
    none: str = "",
) -> None:
    """Print a list: JSON for machines; for people a row of each, or `none` where the list is empty."""
    if json:
        emit(found)
    elif not found:
        note(none)
    else:
        rich(table(columns, map(row, found), right))
