"""`gristmill report`: what a run did, over time and in figures."""

from json import loads
from pathlib import Path
from typing import Annotated

import typer

from gristmill.cli.terminal.options import Json, MaybeRunId
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, out


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    context: typer.Context,
    run: MaybeRunId = None,
    download: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json to DIR/RUN/.")
    ] = None,
    browser: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    json: Json = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of report.json instead.")] = False,
) -> None:
    """Show where the report of a run is, download it or open it.

    Every run that has ended has one: stages, branches and containers over time, attempts and their causes, memory,
    checksums, cost, versions, pictures.
    """
    if schema:
        from gristmill.report.model import schema as make_schema

        emit(make_schema())
        return
    _report(context, run, download, browser, json)


def _report(context: typer.Context, text: str | None, download: Path | None, browser: bool, json: bool) -> None:
    from gristmill.client.runs.reports import address, fetch, find, read

    stack = session(context).stack
    run = session(context).run(text)
    body = read(stack, run, "json")
    if json:
        emit(loads(body))
    else:
        for place in fetch(stack, run, download) if download else [find(stack, run)]:
            out(str(place))
    if browser:
        typer.launch(address(stack, run))
