"""`gristmill pipelines`: the pipelines of this machine and of the stack, and whether they are sound."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.commands import pushes
from gristmill.cli.terminal.options import Json, PipelineName
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, note, out, problem, rich
from gristmill.cli.terminal.tables import table
from gristmill.errors import ExitCode, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from gristmill.code.inspection import Inspection
    from gristmill.storage import Storage

group = typer.Typer(invoke_without_command=True, help="The pipelines of this machine and of the stack.")


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    pushes.add_to(group)
    app.add_typer(group, name="pipelines")


@group.callback()
def pipelines(context: typer.Context) -> None:
    """The pipelines of this machine, those under the folders of GRISTMILL_PIPELINES, and those pushed to the stack."""
    if context.invoked_subcommand is None:
        list_pipelines(context)


@group.command("list")
def list_pipelines(context: typer.Context, json: Json = False) -> None:
    """List the pipelines, and which version runs take.

    One with faults keeps no other back."""
    from gristmill.client.push.shelf import read_shelf

    found = read_shelf(session(context).pushed())
    if json:
        emit([{**item.pipeline.model_dump(mode="json"), "runs": item.runs} for item in found if item.pipeline])
        return
    rows = [
        (item.name, str(len(item.pipeline.stages)), item.runs, _fold(item.pipeline.description))
        if item.pipeline
        else (item.name, "", item.runs, f"has faults; see: gristmill pipelines validate {item.name}")
        for item in found
    ]
    rich(table(("PIPELINE", "STAGES", "RUNS TAKE", "DESCRIPTION"), rows, right=("STAGES",)))
    note("See more: gristmill pipelines show NAME")


def _fold(text: str) -> str:
    return " ".join(text.split())


@group.command("show")
def show(context: typer.Context, name: PipelineName, json: Json = False) -> None:
    """Show what a pipeline takes, does, needs and checks."""
    from gristmill.cli.terminal.pipeline import demands, tables_of
    from gristmill.client.push.known import known
    from gristmill.pipeline.loading import read

    here = session(context)
    with known(name, here.pushed) as meant:
        file, pipeline = meant.file, read(meant.file)
    if json:
        emit(pipeline)
        return
    out(f"{pipeline.name}: {_fold(pipeline.description)}")
    out(f"  version {meant.version.number}, pushed by {meant.version.pusher.name}" if meant.version else f"  {file}")
    out(f"  {demands(pipeline)}")
    for lines in tables_of(pipeline):
        out()
        rich(lines)


@group.command()
def validate(
    context: typer.Context,
    which: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME|FOLDER|FILE]...", help="Default: all of this machine."),
    ] = None,
    json: Json = False,
) -> None:
    """Check pipelines.

    Shows every fault of each pipeline.yaml with its line, and whether the functions that it names are there.
    """
    from gristmill.client.pipelines import pipeline_folders
    from gristmill.pipeline.loading import names

    here = session(context)
    found = {name: _inspect(name, here.pushed) for name in which or names(pipeline_folders())}
    if json:
        emit([{"pipeline": name, "sound": not report.faults, **vars(report)} for name, report in found.items()])
    else:
        for name, report in found.items():
            if not report.faults:
                out(f"{name}: sound{', but its jobs cannot run on this machine' if report.lacks else ''}")
            for fault in report.faults:
                problem(fault)
            for lack in [*report.lacks, *report.expected]:
                note(lack)
    if any(report.faults for report in found.values()):
        raise typer.Exit(ExitCode.REFUSED)


def _inspect(text: str, pushed: "Callable[[], Storage | None]") -> "Inspection":
    from gristmill.client.push.known import known
    from gristmill.code.inspection import Inspection, inspect

    try:
        if text.endswith((".yaml", ".yml")):
            return inspect(Path(text))
        with known(text, pushed) as meant:
            return inspect(meant.file)
    except Refused as refused:
        return Inspection(refused.faults)


@group.command()
def schema() -> None:
    """Print the JSON Schema of pipeline.yaml, for editors."""
    from gristmill.pipeline.schema import schema as make_schema

    emit(make_schema())
