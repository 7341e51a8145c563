"""`gristmill results`: where a run's results are, and getting them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.terminal.options import Json, MaybeRunId
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, note, out, rich, size, table
from gristmill.enums import RunStatus
from gristmill.outcome.wording import ended

if TYPE_CHECKING:
    from gristmill.client.runs.results import Result


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
    from gristmill.client.runs.results import download as fetch
    from gristmill.client.runs.results import results as list_results
    from gristmill.client.runs.times import times_of

    stack = session(context).stack
    found = session(context).run(run)
    if found.status is not RunStatus.SUCCEEDED:
        note(f"Run {found.run} is {found.status}: its results are not complete.")
    (times,) = times_of(stack, [found], datetime.now(UTC))
    if times.warnings:
        note(f"Run {found.run} is {ended(found.status, len(times.warnings))}: {'; '.join(times.warnings)}")
    if found.lack:
        note(f"Of run {found.run}, {found.lack}.")
    pairs = fetch(stack, found, download) if download else ((one, None) for one in list_results(stack, found))
    told = []
    for one, place in pairs:
        told.append((one, place))
        if place and not json:
            out(f"{place} ({size(one.size)})")
    if json:
        objects = [{"key": one.key, "size": one.size, "storage": one.storage, "file": place} for one, place in told]
        emit({"run": found.run, "status": found.status, "bucket": stack.store.bucket, "results": objects})
    elif not told:
        note("There are none.")
    elif not download:
        _list(stack.store.bucket, [one for one, _ in told])


def _list(bucket: str, found: "list[Result]") -> None:
    """Print where results are, and the class of storage where any has left the standard one."""
    columns, rows = ["SIZE", "RESULT"], [[size(one.size), f"s3://{bucket}/{one.key}"] for one in found]
    if any(one.storage != "STANDARD" for one in found):
        columns.append("STORAGE")
        rows = [[*row, one.storage] for row, one in zip(rows, found, strict=True)]
        note("What has been archived must be restored before it can be read: aws s3api restore-object")
    rich(table(columns, rows, right=("SIZE",)))
