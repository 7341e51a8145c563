"""`gristmill stop` and `gristmill resume`."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.terminal.changes import noticed_changes, tell_changes, wanted_changes
from gristmill.cli.terminal.ending import see_to_end, tell_end, waiting
from gristmill.cli.terminal.options import Json, MaybeRunId, Results, RunId, Watch, WithChanges, WithFolder
from gristmill.cli.terminal.session import Session, session
from gristmill.cli.terminal.show import emit, note, out, problem, rich
from gristmill.cli.terminal.tables import moment, seconds, table
from gristmill.enums import RunStatus
from gristmill.errors import ExitCode

if TYPE_CHECKING:
    from gristmill.client.runs.changes import Changes
    from gristmill.client.runs.still_at_work import Waiting
    from gristmill.client.runs.stopped import Stopped
    from gristmill.runs.records import RunRecord


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(stop)
    app.command()(resume)


def stop(
    context: typer.Context,
    run: RunId,
    wait: Annotated[
        int, typer.Option(metavar="SECONDS", help="How long to wait at most until nothing lives.", min=1)
    ] = 120,
    json: Json = False,
) -> None:
    """Stop a run, or a batch with its items, and prove it.

    Ends its execution and every job and child of it, shows what was ended, and waits until nothing of it lives.
    A function that is at work cannot be ended: the command waits for it.
    """
    from gristmill.client.runs.control import stop as end
    from gristmill.client.runs.stop_batch import stop_with_items
    from gristmill.client.user import user_name

    found = session(context).run(run, thorough=True)
    note(f"Stopping run {found.run} ({found.title}) ...")
    patience = session(context).patience("the run may go on", f"gristmill stop {found.run}")
    stack = session(context).stack
    halt = partial(end, stack, who=user_name(), seconds=wait, patience=patience, tell=_note_wait)
    stopped = stop_with_items(stack, found, halt, wait)
    if json:
        emit({**vars(stopped), "proved": stopped.proved})
    else:
        _show(stopped)
    if not stopped.proved:
        problem(*_unproved(stopped, wait))
        raise typer.Exit(ExitCode.FAILED)


def _note_wait(waiting: "Waiting") -> None:
    note(f"Waiting for {waiting.what}, until {moment(waiting.until)} at the latest ...")


def _unproved(stopped: "Stopped", wait: int) -> tuple[str, str]:
    """Return what may still be at work, and what to do about it."""
    if not stopped.still:
        return f"something of run {stopped.run} still lives after {wait} s.", "Repeat the command; it may need longer."
    what = ", ".join(dict.fromkeys(waiting.what for waiting in stopped.still))
    until = moment(max(waiting.until for waiting in stopped.still))
    return f"{what} may still be at work on run {stopped.run}, until {until} at the latest.", "Repeat the command then."


def _show(stopped: "Stopped") -> None:
    was = "had ended already" if stopped.was is not RunStatus.RUNNING else "was RUNNING"
    out(f"Run {stopped.run} {was}, and is {stopped.status}.")
    if stopped.items:
        out(f"{stopped.items:,} of its items were RUNNING, and were stopped.")
    if stopped.jobs:
        rows = [(job.name, job.was, job.status, str(job.containers), str(job.living)) for job in stopped.jobs]
        rich(table(("JOB", "WAS", "IS", "CONTAINERS ENDED", "ALIVE"), rows, right=("CONTAINERS ENDED", "ALIVE")))
    if stopped.proved:
        ended = sum(job.containers for job in stopped.jobs)
        out(f"Nothing of it lives any more: {len(stopped.jobs)} jobs with {ended} containers ended,")
        out(f"looked at again after {seconds(stopped.seconds)}.")
        if stopped.waited_for:
            out(f"It was waited for: {', '.join(stopped.waited_for)}.")
    if stopped.status is not RunStatus.SUCCEEDED:
        out(f"Go on later with only what is missing: gristmill resume {stopped.run}")


def resume(
    context: typer.Context,
    run: MaybeRunId = None,
    with_changes: WithChanges = False,
    folder: WithFolder = None,
    watch: Watch = True,
    results: Results = None,
    json: Json = False,
) -> None:
    """Go on with only what is missing.

    For a run that has ended without success; what it has done is kept. It goes on as it was frozen or, --with-changes,
    as its pipeline is by now: what is computed as before is kept, the rest is redone whole. What that is, says before:
    gristmill plan RUN --with-changes
    """
    from gristmill.client.runs.control import resume as go_on

    if folder and not with_changes:
        raise typer.BadParameter("--with is for --with-changes")
    here = session(context)
    found = here.run(run)
    here.share_pipelines()
    if with_changes:
        execution = go_on(here.working_stack, found, lambda record: _taken(here, record, folder))
    else:
        execution = go_on(here.working_stack, found)
        changes = noticed_changes(here, found.record) if found.record else None
        if changes:
            tell_changes(changes, note, taken=False)
    if watch:
        note(f"Run {found.run} ({found.title}) goes on.")
        ended = see_to_end(here, waiting(here, found.run).call(lambda: here.run(found.run)))
        tell_end(here, ended, results, json)
    if json:
        emit({"run": found.run, "execution": execution.arn})
    else:
        out(f"Run {found.run} ({found.title}) goes on. Follow it with: gristmill watch {found.run}")


def _taken(here: Session, record: "RunRecord", folder: Path | None) -> "Changes":
    changes = wanted_changes(here, record, folder)
    tell_changes(changes, note, taken=True)
    return changes
