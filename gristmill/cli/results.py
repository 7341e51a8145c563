"""`gristmill results`: where a run's results are, and getting them."""

from pathlib import Path
from typing import Annotated

import typer

from gristmill.cli.options import Json, MaybeRunId
from gristmill.cli.session import session
from gristmill.cli.show import emit, note, out, rich, size, table
from gristmill.words import RunStatus


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(results)


def results(
    context: typer.Context,
    run: MaybeRunId = None,
    download: Annotated[Path | None, typer.Option(metavar="DIR", help="Write them to DIR/RUN/.")] = None,
    json: Json = False,
) -> None:
    """List the results of a run, or download them."""
    from gristmill.client.results import download as fetch
    from gristmill.client.results import results as list_results

    mill = session(context).mill
    found = session(context).run(run)
    if found.status is not RunStatus.SUCCEEDED:
        note(f"Run {found.run} is {found.status}: its results are not complete.")
    pairs = fetch(mill, found, download) if download else ((one, None) for one in list_results(mill, found))
    told = []
    for one, place in pairs:
        told.append((one, place))
        if place and not json:
            out(f"{place} ({size(one.size)})")
    if json:
        objects = [{"key": one.key, "size": one.size, "file": place} for one, place in told]
        emit({"run": found.run, "status": found.status, "bucket": mill.store.bucket, "results": objects})
    elif not told:
        note("There are none.")
    elif not download:
        rows = [(size(one.size), f"s3://{mill.store.bucket}/{one.key}") for one, _ in told]
        rich(table(("SIZE", "RESULT"), rows, right=("SIZE",)))
