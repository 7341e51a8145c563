"""`gristmill runs`: the list of runs."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gristmill.cli.terminal.options import Json, moment_of, pairs
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, note, rich
from gristmill.cli.terminal.tables import coloured, moment, named, seconds, styled, table
from gristmill.enums import RunKind, RunStatus
from gristmill.humanize import shortened

if TYPE_CHECKING:
    from gristmill.catalogue.entry import Entry
    from gristmill.client.runs.listing import Listed

_TITLE_MAX = 80  # characters of a file's name in the list


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(runs)


def runs(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", help="How many runs to show.", min=1)] = 20,
    pipeline: Annotated[str | None, typer.Option(metavar="NAME", help="Show only this pipeline's.")] = None,
    owner: Annotated[str | None, typer.Option(metavar="NAME", help="Show only this owner's.")] = None,
    status: Annotated[
        RunStatus | None,
        typer.Option(metavar="STATUS", help=f"Show only: {', '.join(RunStatus)}.", case_sensitive=False),
    ] = None,
    batch: Annotated[
        str | None, typer.Option(metavar="NAME", help="Show only those of this batch: its name, or its run id.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Show only those with this tag; may be repeated.")
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Show only those with this in run id, file, owner, batch or tags."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Show only those since 2026-11-01, 2026-11-01T12:00, 7d or 12h.")
    ] = None,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="Go on where an earlier list ended, as that list says.")
    ] = None,
    json: Json = False,
) -> None:
    """List runs, newest first.

    They are read from the catalogue of runs, which says when it is behind. Filters may be combined.
    """
    from gristmill.catalogue.wanted import Wanted
    from gristmill.client.batches.find import label_of
    from gristmill.client.runs.listing import list_page

    now = datetime.now(UTC)
    stack = session(context).stack
    of_batch = label_of(stack, batch) if batch else None
    wanted = Wanted(
        pipeline, owner, status, of_batch, pairs(tag or []), search, moment_of(since, now) if since else None
    )
    listing = list_page(stack, wanted, limit, after, now)
    if json:
        emit([_listed_as_json(listed, now) for listed in listing.runs])
    elif not listing.runs:
        note("There are no runs yet." if wanted.is_all and not after else "There are no such runs.")
    else:
        rich(_table(listing.runs, now))
    for line in listing.notes:
        note(line)
    if listing.after:
        note(f"There may be more. Go on with the same filters and: --after {listing.after}")


def _table(listed: "list[Listed]", now: datetime) -> Any:
    """Return the table of runs; tags have a column where a run has some, or is of a batch."""
    has_labels = any(each.entry.tags or each.entry.batch for each in listed)
    columns = ("RUN", "STATUS", "FILE", "STARTED", "TOOK", "OWNER", *(["TAGS"] if has_labels else []))
    rows = [(*_row(each, now), *([_labels(each.entry)] if has_labels else [])) for each in listed]
    return table(columns, rows, right=("TOOK",))


def _row(listed: "Listed", now: datetime) -> tuple[Any, ...]:
    entry = listed.entry
    status = styled(coloured(entry.status, entry.warning_count), "?" if listed.is_behind else "")
    title = f"{'' if entry.kind is RunKind.RUN else f'{entry.kind} '}{shortened(entry.title, _TITLE_MAX)}"
    return entry.run, status, title, moment(entry.first_started_at), seconds(entry.took(now)), entry.owner


def _labels(entry: "Entry") -> str:
    return f"{entry.batch or ''} {named(entry.tags)}".strip()


def _listed_as_json(listed: "Listed", now: datetime) -> dict[str, Any]:
    entry = listed.entry
    took = entry.took(now)
    return {
        "run": entry.run,
        "kind": entry.kind,
        "status": entry.status,
        "pipeline": entry.pipeline,
        "name": entry.name,
        "owner": entry.owner or None,
        "size": entry.size,
        "tags": entry.tags,
        "batch": entry.batch,
        "resumes": entry.resumes,
        "started": entry.first_started_at,
        "last_started": entry.started_at,
        "ended": entry.ended_at,
        "took": took,
        "worked": entry.worked_before + took,
        "warnings": entry.warnings,
        "warning_count": entry.warning_count,
        "execution": entry.execution,
        "is_behind": listed.is_behind,
        "lack": listed.lack or None,
    }
