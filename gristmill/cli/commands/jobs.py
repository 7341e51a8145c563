"""`gristmill jobs`: what single Batch jobs there are."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gristmill.cli.terminal.options import Json
from gristmill.cli.terminal.session import Session, session
from gristmill.cli.terminal.show import console, emit, note, rich
from gristmill.cli.terminal.tables import moment, seconds, styled, table
from gristmill.clock import REAL
from gristmill.enums import JobStatus

if TYPE_CHECKING:
    from rich.table import Table

    from gristmill.client.jobs.jobs import JobLook

_PERIOD, _LOCAL_PERIOD = 2.0, 0.2  # seconds between looks of --watch
_COLOURS: dict[str, str] = {
    JobStatus.SUCCEEDED: "green",
    JobStatus.FAILED: "red",
    JobStatus.RUNNING: "cyan",
    JobStatus.STARTING: "cyan",
}
_COLUMNS = ("JOB", "NAME", "STATUS", "QUEUE", "CREATED", "TOOK", "EXIT", "REASON")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(jobs)


def jobs(
    context: typer.Context,
    job: Annotated[
        list[str] | None, typer.Argument(metavar="[JOB]...", help="Show these jobs and their children or nodes.")
    ] = None,
    status: Annotated[
        list[str] | None, typer.Option("--status", "-s", help="Only these statuses; may be repeated. Default: all.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Only jobs of this name; may end in *.")] = None,
    queue: Annotated[list[str] | None, typer.Option(help="Only these queues. Default: all of the stack.")] = None,
    children: Annotated[bool, typer.Option("--children", help="Show children and nodes too.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Show so many at most.", min=1)] = 100,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on until none of them waits or runs.")] = False,
    json: Json = False,
) -> None:
    """List jobs: simple, array and multi-node ones."""
    look = _looker(context, job or [], _statuses(status or []), name, queue or [], children or bool(job), limit)
    found = _watched(session(context), look) if watch else look()
    if json:
        emit(found)
    elif not found:
        note("There are no such jobs.")
    elif not (watch and console(stderr=True).is_terminal):
        rich(_table(found))


def _statuses(given: Sequence[str]) -> Sequence[str]:
    from gristmill.client.jobs.jobs import STATUSES

    wanted = [status.upper() for status in given]
    strange = [status for status in wanted if status not in STATUSES]
    if strange:
        raise typer.BadParameter(f"{', '.join(strange)} is no status of a job: {', '.join(STATUSES)}")
    return wanted or STATUSES


def _looker(
    context: typer.Context,
    ids: Sequence[str],
    statuses: Sequence[str],
    name: str | None,
    wanted: Sequence[str],
    children: bool,
    limit: int,
) -> "Callable[[], list[JobLook]]":
    """Return what looks at the jobs that were asked for."""
    from itertools import islice

    from gristmill.client.jobs import jobs

    stack = session(context).stack
    arns = [jobs.queue_of(stack, queue) for queue in wanted] or list(jobs.queues(stack).values())

    def by_id() -> "list[JobLook]":
        looks = [jobs.look(job) for job in jobs.describe(stack, ids)]
        found = [each for job in looks for each in ([job, *jobs.parts(stack, job, statuses)] if job.size else [job])]
        return found[:limit]

    return by_id if ids else lambda: list(islice(jobs.list_jobs(stack, arns, statuses, name, children), limit))


def _watched(here: Session, look: "Callable[[], list[JobLook]]") -> "list[JobLook]":
    """Look until no job goes on: renew a table on a terminal, else print each change on a line."""
    from rich.live import Live

    screen, patience = console(stderr=True), here.patience("the jobs go on", "gristmill jobs --watch")
    printed: dict[str, str] = {}
    with Live(console=screen, auto_refresh=False) if screen.is_terminal else nullcontext() as live:
        while True:
            found = patience.call(look)
            if live is not None:
                live.update(_table(found), refresh=True)
            for job in [] if live is not None else found:
                if printed.get(job.id) != job.status:
                    printed[job.id] = job.status
                    note(f"{job.id} {job.status}")
            if not any(job.going for job in found):
                return found
            REAL.sleep(_LOCAL_PERIOD if here.target.local else _PERIOD)


def _table(found: "Sequence[JobLook]") -> "Table":
    return table(_COLUMNS, map(_row, found), right=("TOOK", "EXIT"))


def _row(job: "JobLook") -> tuple[Any, ...]:
    size = {"array": f" [{job.size}]", "multi-node": f" *{job.size}"}.get(job.kind, "")
    end = job.stopped or datetime.now(UTC)
    took = seconds((end - job.started).total_seconds()) if job.started else ""
    return (
        job.id + size,
        job.name,
        styled((job.status, _COLOURS.get(job.status, ""))),
        job.queue,
        moment(job.created) if job.created else "",
        took,
        "" if job.exit_code is None else str(job.exit_code),
        job.reason,
    )
