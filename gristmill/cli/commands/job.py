"""`gristmill job submit | show | logs | kill`: one Batch job."""

from typing import Annotated, Any

import typer

from gristmill.cli.commands.submit import submit
from gristmill.cli.terminal.options import Json, Raw
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, emit_line, logged, out
from gristmill.cli.terminal.tables import moment

JobId = Annotated[
    str, typer.Argument(metavar="JOB", help="Job id; ID:2 is an array's child, ID#1 a node.", show_default=False)
]
_FREE = {"ignore_unknown_options": True, "allow_interspersed_args": False}  # options behind the command are its own


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Submit, look at and end single Batch jobs.")
    group.command(context_settings=_FREE)(submit)
    for command in (show, logs, kill):
        group.command()(command)
    app.add_typer(group, name="job")


def show(context: typer.Context, job: JobId, json: Json = False) -> None:
    """Show everything about a job.

    What it runs, its attempts, why it waits or failed.
    """
    from gristmill.client.jobs.jobs import describe

    (found,) = describe(session(context).stack, [job])
    if json:
        emit(found)
        return
    for name, value in _facts(found):
        out(f"{name + ':':<14}{value}")


def _facts(job: dict[str, Any]) -> list[tuple[str, str]]:
    from gristmill.batch.jobs import end_reason
    from gristmill.client.jobs.jobs import look

    seen, container = look(job), job.get("container", {})
    size = f" of {seen.size}" if seen.size else ""
    times = {"created": seen.created, "started": seen.started, "stopped": seen.stopped}
    facts = {
        "job": seen.id,
        "name": seen.name,
        "kind": f"{seen.kind}{size}",
        "status": seen.status,
        "reason": end_reason(job),
        "queue": seen.queue,
        "definition": job["jobDefinition"].rpartition("/")[2],
        **{name: moment(when) if when else "" for name, when in times.items()},
        "children": _counts(job.get("arrayProperties", {}).get("statusSummary", {})),
        "command": " ".join(container.get("command", [])),
        "needs": ", ".join(f"{need['value']} {need['type']}" for need in container.get("resourceRequirements", [])),
        "timeout": f"{job['timeout']['attemptDurationSeconds']} s" if job.get("timeout") else "",
        "depends on": ", ".join(_dependency(each) for each in job.get("dependsOn", [])),
    }
    present = [(name, value) for name, value in facts.items() if value]
    return present + [
        (f"attempt {number}", _attempt(job, each)) for number, each in enumerate(job.get("attempts", []), 1)
    ]


def _counts(summary: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {status}" for status, count in summary.items() if count)


def _dependency(dependency: dict[str, str]) -> str:
    return " ".join(filter(None, (dependency.get("jobId"), dependency.get("type"))))


def _attempt(job: dict[str, Any], attempt: dict[str, Any]) -> str:
    from gristmill.batch.jobs import end_reason

    container = attempt.get("container", {})
    running = "" if "stoppedAt" in attempt else "runs"
    code = f"exit code {container['exitCode']}" if "exitCode" in container else running
    return "; ".join(filter(None, (code, container.get("reason"), end_reason(job, attempt))))


def logs(
    context: typer.Context,
    job: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    attempt: Annotated[int | None, typer.Option(metavar="N", help="Attempt, from 1. Default: the newest.")] = None,
    raw: Raw = False,
    json: Json = False,
) -> None:
    """Print what a job has written. Of an array name a child (ID:0), of a multi-node job a node (ID#0)."""
    from gristmill.client.jobs.logs import lines

    patience = session(context).patience("the job goes on", f"gristmill job logs {job} --follow") if follow else None
    found = lines(session(context).stack, job, attempt, patience)
    if json and not follow:
        emit(list(found))
        return
    for line in found:
        emit_line(line) if json else logged("", line.text, raw)


def kill(
    context: typer.Context,
    job: Annotated[list[str], typer.Argument(metavar="JOB...", help="Job ids.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why; the job keeps it.")] = "ended by its user",
    json: Json = False,
) -> None:
    """End jobs, their children and nodes included.

    What waits is cancelled, what runs is terminated.
    """
    from gristmill.client.jobs.jobs import kill as end

    found = end(session(context).stack, job, reason)
    if json:
        emit([{"job": ended.id, "status": ended.status, "ended": ended.going} for ended in found])
        return
    for ended in found:
        out(
            f"{ended.id} was {ended.status}; it is ending."
            if ended.going
            else f"{ended.id} has {ended.status} already."
        )
