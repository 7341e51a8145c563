"""`gristmill cache`: what runs can reuse of each other."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from gristmill.cli.terminal.options import Json
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, note, out, rich
from gristmill.cli.terminal.tables import size, table

cache = typer.Typer(no_args_is_help=True, help="What runs reuse of each other by `cache: true`.")
_Pipeline = Annotated[str | None, typer.Argument(metavar="[PIPELINE]", help="A pipeline's name. Default: all of them.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(cache, name="cache")


@cache.command("list")
def list_all(context: typer.Context, pipeline: _Pipeline = None, json: Json = False) -> None:
    """List the entries, the newest first: of which run, how old, how large, and what each use of one saves."""
    from gristmill.client.cached import list_entries
    from gristmill.cost.bill import dollars
    from gristmill.humanize import duration

    found, now = list_entries(session(context).stack, pipeline), datetime.now(UTC)
    if json:
        entries = [{**dict(entry), "key": entry.key, "size": entry.size} for entry in found.entries]
        emit({"entries": entries, "unusable": found.unusable})
        return
    rows = [
        (entry.pipeline, entry.branch, entry.run, duration(now - entry.at), size(entry.size), dollars(entry.dollars))
        for entry in found.entries
    ]
    columns = ("PIPELINE", "BRANCH", "RUN", "AGE", "SIZE", "SAVES")
    rich(table(columns, rows, right=columns[3:]))
    if found.unusable:
        note(f"{found.unusable:,} more cannot be read, or are not as they were written: they are never used.")


@cache.command()
def drop(context: typer.Context, pipeline: _Pipeline = None, json: Json = False) -> None:
    """Drop the entries of PIPELINE, or all: the next runs compute anew. Results stay where they are."""
    from gristmill.client.cached import drop_entries

    dropped = drop_entries(session(context).stack, pipeline)
    if json:
        emit({"dropped": dropped})
        return
    out(f"Dropped {dropped:,} of the cache.")
