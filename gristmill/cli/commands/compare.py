"""`gristmill compare`: two runs side by side."""

from datetime import UTC, datetime

import typer

from gristmill.cli.terminal.options import Json, RunId
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, rich
from gristmill.cli.terminal.tables import table

_MARK = "≠"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(compare)


def compare(context: typer.Context, first: RunId, second: RunId, json: Json = False) -> None:
    """Show two runs side by side.

    Status, code, what its inputs hold, parameters, cost, counts of each branch, and the figures that were checked;
    what differs has a mark.
    """
    from gristmill.client.runs.compare import compare as compare_runs

    here = session(context)
    runs = (here.run(first), here.run(second))
    compared = compare_runs(here.stack, runs, datetime.now(UTC))
    if json:
        facts = [{"what": fact.what, "values": fact.values, "differs": fact.differs} for fact in compared]
        emit({"runs": [run.run for run in runs], "facts": facts})
        return
    rows = [(fact.what, *(value or "–" for value in fact.values), _MARK if fact.differs else "") for fact in compared]
    rich(table(("", *(run.run for run in runs), "DIFFERS"), rows))
