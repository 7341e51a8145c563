"""`gristmill logs`: what the children of a run wrote."""

from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.terminal.options import Json, MaybeRunId, Raw
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, emit_line, logged, note
from gristmill.errors import NotFound

if TYPE_CHECKING:
    from gristmill.client.runs.find import Run
    from gristmill.client.tail import Line


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(logs)


def logs(
    context: typer.Context,
    run: MaybeRunId = None,
    branch: Annotated[str | None, typer.Option(metavar="NAME", help="Only this branch's children.")] = None,
    task: Annotated[
        int | None, typer.Option(metavar="N", help="Only the children that worked on this task.", min=0)
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    raw: Raw = False,
    json: Json = False,
) -> None:
    """Print the logs of a run's children."""
    from gristmill.client.runs.logs import STREAMS_MAX, read, streams, task_streams
    from gristmill.client.runs.logs import follow as follow_lines

    stack = session(context).stack
    found = session(context).run(run)
    if follow:
        patience = session(context).patience("the run goes on", f"gristmill logs {found.run} --follow")
        for line in follow_lines(stack, found, branch, task, patience):
            emit_line(line) if json else _print(line, raw)
        return
    wanted = streams(stack, found, branch) if task is None else task_streams(stack, found, branch, task)
    lines = read(stack, wanted)
    first = next(lines, None)
    if first is None:
        _tell_none(found)
    lines = chain([first] if first else [], lines)
    if json:
        emit(list(lines))
        return
    for line in lines:
        _print(line, raw)
    if task is None and len(wanted) == STREAMS_MAX:
        note(f"There are more than {STREAMS_MAX} children; see all with --follow, others with --branch or --task.")


def _tell_none(run: "Run") -> None:
    """Say why there is nothing to show; NotFound for a run that has ended."""
    if run.going:
        note("Nothing has been written yet.")
        return
    why = "no job of it ran" if run.record and run.record.faults else "none were written, or all have expired"
    mend = "Batch forgets jobs some days after their end; the stack's LogRetentionDays says how long lines are kept."
    raise NotFound(f"run {run.run} has no logs: {why}.", mend)


def _print(line: "Line", raw: bool) -> None:
    logged(f"{line.at.astimezone():%H:%M:%S} {line.label} | ", line.text, raw)
