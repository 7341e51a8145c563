"""`gristmill compare`: two runs side by side, or all items of a batch."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.terminal.options import Json
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, lines, note, out, rich
from gristmill.cli.terminal.tables import coloured, seconds, table

if TYPE_CHECKING:
    from gristmill.client.batches.look import BatchLook, ItemLook
    from gristmill.client.stack import Stack

_MARK = "≠"
_NONE = "–"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(compare)


def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="RUN", help="A run id, or a batch by its name or run id.")],
    second: Annotated[
        str | None, typer.Argument(metavar="OTHER", help="Another run id; none for all items of a batch.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Of a batch: print CSV.")] = False,
    page: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of a batch: write an HTML page, with the pictures that items made."),
    ] = None,
    json: Json = False,
) -> None:
    """Show two runs side by side, or the items of a batch.

    Of two runs: status, code, what its inputs hold, parameters, cost, counts of each branch, and the figures that were
    checked; what differs has a mark. Of a batch: parameters, status, cost, time and figures of each item.
    """
    if second is None:
        _items(context, first, csv=csv, page=page, json=json)
    elif csv or page:
        raise typer.BadParameter("--csv and --page are for a batch: give one name or run id")
    else:
        _two(context, (first, second), json)


def _two(context: typer.Context, texts: tuple[str, str], json: bool) -> None:
    from gristmill.client.runs.compare import compare as compare_runs

    here = session(context)
    runs = (here.run(texts[0]), here.run(texts[1]))
    compared = compare_runs(here.stack, runs, datetime.now(UTC))
    if json:
        facts = [{"what": fact.what, "values": fact.values, "differs": fact.differs} for fact in compared]
        emit({"runs": [run.run for run in runs], "facts": facts})
        return
    rows = [(fact.what, *(value or _NONE for value in fact.values), _MARK if fact.differs else "") for fact in compared]
    rich(table(("", *(run.run for run in runs), "DIFFERS"), rows))


def _items(context: typer.Context, text: str, *, csv: bool, page: Path | None, json: bool) -> None:
    from gristmill.client.batches.find import find_batch
    from gristmill.client.batches.look import as_csv, look_at_batch

    stack, now = session(context).stack, datetime.now(UTC)
    look = look_at_batch(stack, find_batch(stack, text), now)
    if page:
        _write_page(stack, look, page, now)
    if json:
        emit({"run": look.run, "name": look.name, "cost": look.cost, "items": look.items})
    elif csv:
        lines(as_csv(look).rstrip("\n"))
    elif not page:
        _show(look)


def _write_page(stack: "Stack", look: "BatchLook", page: Path, now: datetime) -> None:
    from gristmill.client.batches.page import make_page

    page.write_text(make_page(stack, look, now), encoding="utf-8")
    note(f"Wrote {page}.")


def _show(look: "BatchLook") -> None:
    from gristmill.cost.bill import dollars

    facts, figures = [name.upper() for name in look.varied], look.figures
    columns = ("ITEM", *facts, "STATUS", "COST", "TOOK", *figures, "RUN")
    rich(table(columns, (_row(look, item) for item in look.items), right=("COST", "TOOK", *figures)))
    out(f"{len(look.items):,} items: {look.counts}; {dollars(look.cost)}")


def _row(look: "BatchLook", item: "ItemLook") -> tuple[object, ...]:
    from gristmill.cost.bill import dollars

    values = [item.parameters.get(name, _NONE) for name in look.varied]
    status = coloured(item.status) if item.status else "not begun"
    cost = _NONE if item.cost is None else dollars(item.cost)
    took = _NONE if item.seconds is None else seconds(item.seconds)
    found = [item.figures.get(name) for name in look.figures]
    figures = [_NONE if value is None else f"{value:.6g}" for value in found]
    return item.name, *values, status, cost, took, *figures, item.run or _NONE
