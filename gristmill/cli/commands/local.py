"""`gristmill local`: the embedded AWS on this machine."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from embedded_aws.door import astray, unproxied
from gristmill.cli.terminal.options import Json
from gristmill.cli.terminal.session import note_version
from gristmill.cli.terminal.show import confirm, emit, note, out
from gristmill.client.home import home
from gristmill.client.version import PROGRAM
from gristmill.errors import ExitCode
from gristmill.project import source_folder, working_folder

group = typer.Typer(no_args_is_help=True, help="The embedded AWS on this machine.")
_LOSES = "Its buckets, runs and stacks live in memory and go when it stops; results under ./results and mails stay."


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="local")


@group.command()
def up(
    port: Annotated[
        int, typer.Option(metavar="PORT", help="TCP port on localhost; 0 takes a free one.", min=0, max=65535)
    ] = 4566,
    vcpus: Annotated[
        float | None,
        typer.Option(metavar="N", help="vCPUs that jobs may use at once; more than there are share them.", min=0.25),
    ] = None,
    memory: Annotated[
        int | None, typer.Option(metavar="MIB", help="Memory that jobs may use at once. Default: all there is.", min=4)
    ] = None,
    gpus: Annotated[
        int | None,
        typer.Option(metavar="N", help="GPUs that jobs may use at once; for those not there, the CPU is used.", min=0),
    ] = None,
    runnable_seconds: Annotated[
        float | None,
        typer.Option(metavar="N", help="Cancel a job that can never start after so long. Default: its queue's limit."),
    ] = None,
    smtp: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Mail server that gets a copy of each mail.")
    ] = None,
    containers: Annotated[
        bool, typer.Option("--containers", help="Run the images of jobs by docker or podman, not their commands.")
    ] = False,
    isolate: Annotated[
        bool, typer.Option("--isolate", help="Nodes of multi-node jobs get addresses of their own (Linux, root).")
    ] = False,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay in the foreground; Ctrl-C stops it.")] = False,
    json: Json = False,
) -> None:
    """Start the embedded AWS, unless one runs already."""
    given = {"port": port, "vcpus": vcpus, "memory": memory, "gpus": gpus, "smtp": smtp}
    given["runnable-seconds"] = runnable_seconds
    arguments = [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]
    arguments += ["--containers"] if containers else []
    arguments += ["--isolate"] if isolate else []
    _up([*arguments, "--started-by", PROGRAM], foreground, json)


def _up(arguments: list[str], foreground: bool, json: bool) -> None:
    from embedded_aws import door
    from gristmill.client import embedded

    data = home(os.environ)
    door.prepare(data)
    source = source_folder(working_folder())
    with door.turn(data) as lock:
        fault = door.get_past(data)
        if fault is not None:
            note(f"{fault.what} No server lives there, so it was removed.")
        _note_loss(data)
        running = door.find_server(data)
        if foreground and not running:
            note(_LOSES)
            embedded.become(data, arguments, lock, source)
        if running:
            note_version(running.started_by)
        state = running or embedded.start(data, arguments, lock, source)
    if json:
        emit(state.public())
        return
    out(f"The embedded AWS {'runs already' if running else 'is up'} at {state.endpoint} (pid {state.pid}).")
    out(f"Its files (mails, logs): {state.data}")
    note(_LOSES)


def _note_loss(data: Path) -> None:
    from embedded_aws import door

    lost = door.lost(data)
    if lost is not None:
        note(
            f"The embedded AWS before this one (pid {lost.pid}, up since {lost.started_at}) was killed: its buckets, "
            "runs and stacks are lost. Deploy again, and drop again what had not ended."
        )


@group.command()
def down(json: Json = False) -> None:
    """Stop the embedded AWS, its jobs and functions with it."""
    from embedded_aws import door

    _note_loss(home(os.environ))
    state = door.down(home(os.environ))
    if json:
        emit(state.public())
        return
    out(f"The embedded AWS at {state.endpoint} is down; its buckets, runs and stacks are gone.")
    note(f"Mails and logs stay in {state.data}; remove them with: gristmill local reset")


@group.command()
def status(json: Json = False) -> None:
    """Show whether the embedded AWS runs, and where."""
    from embedded_aws.door import find_server

    data = home(os.environ)
    _note_loss(data)
    state = find_server(data)
    if state is not None:
        note_version(state.started_by)
    if json:
        emit({"running": state is not None, "data": data, "server": state.public() if state else None})
    elif state is None:
        out(f"No embedded AWS runs in {data}. Start one with: gristmill local up")
    else:
        out(f"The embedded AWS runs at {state.endpoint} (pid {state.pid}) since {state.started_at}.")
        out(f"Its files (mails, logs): {state.data}")
    if state is None:
        raise typer.Exit(ExitCode.UNREACHABLE)


@group.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Stop it, and remove mails, logs and code."""
    from embedded_aws import door

    data = home(os.environ)
    if not yes and not confirm(f"Stop the embedded AWS and remove its files in {data}?"):
        raise typer.Exit(ExitCode.OK)
    state, removed = door.reset(data)
    if json:
        emit({"stopped": state.public() if state else None, "removed": removed})
        return
    names = ", ".join(path.name for path in removed) or "nothing"
    out(f"{'Stopped, and removed' if state else 'Removed'} in {data}: {names}.")


@group.command()
def env() -> None:
    """Print the environment of AWS tools.

    For this shell: eval "$(gristmill local env)"
    """
    from gristmill.client.target import Wanted, choose

    target = choose(
        Wanted(local=True), {name: value for name, value in os.environ.items() if name != "AWS_ENDPOINT_URL"}
    )
    wanted = {**target.environment(), **unproxied(environment=os.environ)}
    for name in astray(os.environ, wanted):
        out(f"unset {name}")
    for name, value in wanted.items():
        out(f"export {name}={shlex.quote(value)}")
