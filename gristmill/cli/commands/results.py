"""`gristmill results`: where a run's results are, and getting them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.terminal.options import Json, MaybeRunId
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, note, out, rich
from gristmill.cli.terminal.tables import size, table
from gristmill.enums import RunStatus
from gristmill.outcome.wording import ended

if TYPE_CHECKING:
    from gristmill.client.batches.look import ItemLook
    from gristmill.client.runs.find import Run
    from gristmill.client.runs.results import Result
    from gristmill.client.stack import Stack


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(results)


def results(
    context: typer.Context,
    run: MaybeRunId = None,
    download: Annotated[Path | None, typer.Option(metavar="DIR", help="Write them to DIR/RUN/.")] = None,
    json: Json = False,
) -> None:
    """List the results of a run, or download them.

    Of a batch, by its name or run id: those of all items that are done, each in a folder DIR/BATCH/ITEM/.
    """
    from gristmill.client.batches.find import batch_or_none
    from gristmill.client.runs.results import download as fetch
    from gristmill.client.runs.results import results as list_results
    from gristmill.client.runs.times import times_of

    stack = session(context).stack
    batch = batch_or_none(stack, run) if run else None
    if batch:
        _of_batch(stack, batch, download, json)
        return
    found = session(context).run(run)
    if found.status is not RunStatus.SUCCEEDED:
        note(f"Run {found.run} is {found.status}: its results are not complete.")
    (times,) = times_of(stack, [found], datetime.now(UTC))
    if times.warnings:
        note(f"Run {found.run} is {ended(found.status, len(times.warnings))}: {'; '.join(times.warnings)}")
    if found.lack:
        note(f"Of run {found.run}, {found.lack}.")
    pairs = fetch(stack, found, download) if download else ((item, None) for item in list_results(stack, found))
    shown = []
    for item, place in pairs:
        shown.append((item, place))
        if place and not json:
            out(f"{place} ({size(item.size)})")
    if json:
        objects = [
            {"key": item.key, "size": item.size, "storage": item.storage, "file": place} for item, place in shown
        ]
        emit({"run": found.run, "status": found.status, "bucket": stack.store.bucket, "results": objects})
    elif not shown:
        note("There are none.")
    elif not download:
        _list(stack.store.bucket, [item for item, _ in shown])


def _of_batch(stack: "Stack", batch: "Run", folder: Path | None, json: bool) -> None:
    from gristmill.client.batches.look import look_at_batch
    from gristmill.client.batches.results import batch_results, download_batch

    look = look_at_batch(stack, batch, datetime.now(UTC))
    lacking = sum(item.status is not RunStatus.SUCCEEDED for item in look.items)
    if lacking:
        note(f"Of batch {look.name}, {lacking:,} of {len(look.items):,} items have not succeeded: {look.counts}.")
    shown: list[tuple[ItemLook, Result, Path | None]] = []
    if folder:
        for item, result, place in download_batch(stack, look, folder / look.name):
            shown.append((item, result, place))
            if not json:
                out(f"{place} ({size(result.size)})")
    else:
        shown = [(item, result, None) for item, result in batch_results(stack, look)]
    if json:
        objects = [
            {"item": item.name, "run": item.run, "key": result.key, "size": result.size, "file": place}
            for item, result, place in shown
        ]
        emit({"run": look.run, "name": look.name, "bucket": stack.store.bucket, "results": objects})
    elif not shown:
        note("There are none.")
    elif not folder:
        _list(stack.store.bucket, [result for _, result, _ in shown])


def _list(bucket: str, found: "list[Result]") -> None:
    """Print where results are, and the class of storage where any has left the standard one."""
    columns, rows = ["SIZE", "RESULT"], [[size(item.size), f"s3://{bucket}/{item.key}"] for item in found]
    if any(item.storage != "STANDARD" for item in found):
        columns.append("STORAGE")
        rows = [[*row, item.storage] for row, item in zip(rows, found, strict=True)]
        note("What has been archived must be restored before it can be read: aws s3api restore-object")
    rich(table(columns, rows, right=("SIZE",)))
