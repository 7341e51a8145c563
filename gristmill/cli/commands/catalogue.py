"""`gristmill catalogue`: the catalogue of runs."""

import typer

from gristmill.cli.terminal.options import Json
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, note, out

catalogue = typer.Typer(no_args_is_help=True, help="The catalogue of runs, which `gristmill runs` reads.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(catalogue, name="catalogue")


@catalogue.command()
def rebuild(context: typer.Context, json: Json = False) -> None:
    """Make the catalogue anew, of S3 and Step Functions.

    For rows that were lost, and for runs from before the stack had a catalogue. Runs may go on meanwhile. Runs whose
    records have expired stay as they are in it.
    """
    from gristmill.client.runs.rebuild import rebuild as make_anew

    found = make_anew(session(context).stack)
    if json:
        emit({"entered": found.entered, "left_out": found.left_out})
        return
    out(f"Runs that were entered into the catalogue: {found.entered:,}.")
    if found.left_out:
        note(f"Nothing tells what these are: {', '.join(found.left_out)}.")
