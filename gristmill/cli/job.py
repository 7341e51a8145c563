"""`gristmill job submit | show | logs | kill`: one Batch job."""

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gristmill.cli.options import Json, pairs
from gristmill.cli.session import session
from gristmill.cli.show import emit, moment, out

JobId = Annotated[
    str, typer.Argument(metavar="JOB", help="Job id; ID:2 is an array's child, ID#1 a node.", show_default=False)
]
_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_NAME_MAX = 128
_FREE = {"ignore_unknown_options": True, "allow_interspersed_args": False}  # options behind the command are its own


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Submit, look at and end single Batch jobs.")
    group.command(context_settings=_FREE)(submit)
    for command in (show, logs, kill):
        group.command()(command)
    app.add_typer(group, name="job")


def submit(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COMMAND]...", help="The command, or a script's arguments. Options go before it."),
    ] = None,
    script: Annotated[
        str | None, typer.Option("--script", metavar="FILE", help="Run this script; - reads it from stdin.")
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option("--input", "-i", metavar="FILE", help="Put this beside it.", exists=True, dir_okay=False),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The job's name. Default: the command's own.")] = None,
    queue: Annotated[str | None, typer.Option(help="Queue. Default: by what the job needs.")] = None,
    array: Annotated[int | None, typer.Option(metavar="N", help="Run N children, told apart by their index.")] = None,
    nodes: Annotated[int | None, typer.Option(metavar="N", help="Run it on N nodes at once.")] = None,
    gpus: Annotated[int, typer.Option(metavar="N", help="GPUs, of each child or node.", min=0)] = 0,
    vcpus: Annotated[int | None, typer.Option(metavar="N", help="vCPUs. Default: 1.", min=1)] = None,
    memory: Annotated[int | None, typer.Option(metavar="MIB", help="Memory. Default: 1024.", min=4)] = None,
    timeout: Annotated[int | None, typer.Option(metavar="SECONDS", help="End an attempt after so long.")] = None,
    retry: Annotated[int | None, typer.Option(metavar="N", help="Attempts at most.")] = None,
    depends_on: Annotated[
        list[str] | None, typer.Option(metavar="JOB", help="Wait for JOB, JOB:N_TO_N (arrays) or SEQUENTIAL.")
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", "-e", metavar="NAME=VALUE", help="A variable; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Submit COMMAND, or a script, as a job of its own. Without either, a script is read from stdin."""
    from gristmill.client.submitting import Wish
    from gristmill.client.submitting import submit as send

    words, text = list(command or []), _script(script, command or [])
    wish = Wish(
        name=name or _name(script, words),
        command=words,
        script=text,
        inputs=file or [],
        array=array,
        nodes=nodes,
        gpus=gpus,
        vcpus=vcpus,
        memory=memory,
        timeout=timeout,
        retry=retry,
        depends_on=depends_on or [],
        environment=pairs(env or []),
        queue=queue,
    )
    answer = send(session(context).mill, wish)
    if json:
        emit({"job": answer["jobId"], "name": answer["jobName"], "arn": answer["jobArn"]})
    else:
        out(f"Job {answer['jobId']} ({answer['jobName']}) is submitted. See: gristmill jobs {answer['jobId']}")


def _script(script: str | None, command: list[str]) -> bytes | None:
    if script is None and (command or sys.stdin.isatty()):
        return None
    return sys.stdin.buffer.read() if script in (None, "-") else Path(str(script)).read_bytes()


def _name(script: str | None, command: list[str]) -> str:
    """Return a job's name from what it runs; Batch takes letters, digits, - and _ only."""
    given = Path(script).stem if script and script != "-" else Path(command[0]).name if command else "stdin"
    return _NAME.sub("_", given).strip("_-")[:_NAME_MAX] or "job"


def show(context: typer.Context, job: JobId, json: Json = False) -> None:
    """Tell everything of a job: what it runs, its attempts, why it waits or failed."""
    from gristmill.client.jobs import describe

    (found,) = describe(session(context).mill, [job])
    if json:
        emit(found)
        return
    for name, value in _facts(found):
        out(f"{name + ':':<14}{value}")


def _facts(job: dict[str, Any]) -> list[tuple[str, str]]:
    from gristmill.client.jobs import look

    one, container = look(job), job.get("container", {})
    size = f" of {one.size}" if one.size else ""
    times = {"created": one.created, "started": one.started, "stopped": one.stopped}
    facts = {
        "job": one.id,
        "name": one.name,
        "kind": f"{one.kind}{size}",
        "status": one.status,
        "reason": job.get("statusReason", ""),
        "queue": one.queue,
        "definition": job["jobDefinition"].rpartition("/")[2],
        **{name: moment(when) if when else "" for name, when in times.items()},
        "children": _counts(job.get("arrayProperties", {}).get("statusSummary", {})),
        "command": " ".join(container.get("command", [])),
        "needs": ", ".join(f"{need['value']} {need['type']}" for need in container.get("resourceRequirements", [])),
        "timeout": f"{job['timeout']['attemptDurationSeconds']} s" if job.get("timeout") else "",
        "depends on": ", ".join(_dependency(each) for each in job.get("dependsOn", [])),
    }
    told = [(name, value) for name, value in facts.items() if value]
    return told + [(f"attempt {number}", _attempt(each)) for number, each in enumerate(job.get("attempts", []), 1)]


def _counts(summary: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {status}" for status, count in summary.items() if count)


def _dependency(said: dict[str, str]) -> str:
    return " ".join(filter(None, (said.get("jobId"), said.get("type"))))


def _attempt(said: dict[str, Any]) -> str:
    container = said.get("container", {})
    code = (
        f"exit code {container['exitCode']}" if "exitCode" in container else "runs" if "stoppedAt" not in said else ""
    )
    return "; ".join(filter(None, (code, container.get("reason"), said.get("statusReason"))))


def logs(
    context: typer.Context,
    job: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    attempt: Annotated[int | None, typer.Option(metavar="N", help="Attempt, from 1. Default: the newest.")] = None,
    json: Json = False,
) -> None:
    """Print what a job has written. Of an array name a child (ID:0), of a multi-node job a node (ID#0)."""
    from gristmill.client.joblogs import lines

    for line in lines(session(context).mill, job, attempt, follow):
        if json:
            emit(line)
        else:
            out(line.text)


def kill(
    context: typer.Context,
    job: Annotated[list[str], typer.Argument(metavar="JOB...", help="Job ids.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why; the job keeps it.")] = "ended by its user",
    json: Json = False,
) -> None:
    """End jobs: what waits is cancelled, what runs is terminated, children and nodes included."""
    from gristmill.client.jobs import kill as end

    found = end(session(context).mill, job, reason)
    if json:
        emit([{"job": one.id, "status": one.status, "ended": one.going} for one in found])
        return
    for one in found:
        out(f"{one.id} was {one.status}; it is told to end." if one.going else f"{one.id} has {one.status} already.")
