"""`gristmill job submit`: a command or a script as a Batch job of its own."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from gristmill.cli.terminal.options import Json, pairs
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, out
from gristmill.limits import BATCH_NAME_MAX

_NAME = re.compile(r"[^A-Za-z0-9_-]+")


_Command = Annotated[
    list[str] | None,
    typer.Argument(metavar="[COMMAND]...", help="The command, or a script's arguments. Options go before it."),
]
_Script = Annotated[
    str | None, typer.Option("--script", metavar="FILE", help="Run this script; - reads it from stdin.")
]
_Inputs = Annotated[
    list[Path] | None,
    typer.Option("--input", "-i", metavar="FILE", help="Put this beside it.", exists=True, dir_okay=False),
]
_DependsOn = Annotated[
    list[str] | None, typer.Option(metavar="JOB", help="Wait for JOB, JOB:N_TO_N (arrays) or SEQUENTIAL.")
]
_Variables = Annotated[
    list[str] | None, typer.Option("--env", "-e", metavar="NAME=VALUE", help="A variable; may be repeated.")
]


def submit(
    context: typer.Context,
    command: _Command = None,
    script: _Script = None,
    file: _Inputs = None,
    name: Annotated[str | None, typer.Option(help="The job's name. Default: the command's own.")] = None,
    queue: Annotated[str | None, typer.Option(help="Queue. Default: by what the job needs.")] = None,
    array: Annotated[int | None, typer.Option(metavar="N", help="Run N children; each knows its index.")] = None,
    nodes: Annotated[int | None, typer.Option(metavar="N", help="Run it on N nodes at once.")] = None,
    gpus: Annotated[int, typer.Option(metavar="N", help="GPUs, of each child or node.", min=0)] = 0,
    vcpus: Annotated[int | None, typer.Option(metavar="N", help="vCPUs. Default: 1.", min=1)] = None,
    memory: Annotated[int | None, typer.Option(metavar="MIB", help="Memory. Default: 1024.", min=4)] = None,
    timeout: Annotated[int | None, typer.Option(metavar="SECONDS", help="End an attempt after so long.")] = None,
    retry: Annotated[int | None, typer.Option(metavar="N", help="Attempts at most.")] = None,
    depends_on: _DependsOn = None,
    env: _Variables = None,
    json: Json = False,
) -> None:
    """Submit COMMAND, or a script, as a job of its own. Without either, a script is read from stdin."""
    from gristmill.client.jobs.submit import JobRequest
    from gristmill.client.jobs.submit import submit as send

    words, text = list(command or []), _script(script, command or [])
    wanted = JobRequest(
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
    answer = send(session(context).working_stack, wanted)
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
    return _NAME.sub("_", given).strip("_-")[:BATCH_NAME_MAX] or "job"
