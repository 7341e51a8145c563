"""`gristmill pipelines`: the pipelines of this machine, and whether they are sound."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.terminal.options import Json
from gristmill.cli.terminal.show import emit, note, out, problem, rich, table
from gristmill.errors import ExitCode, Refused

if TYPE_CHECKING:
    from gristmill.pipeline.inspection import Inspection
    from gristmill.pipeline.model import Branch, Parameter, Pipeline

group = typer.Typer(invoke_without_command=True, help="The pipelines of this machine. Default: list them.")


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="pipelines")


@group.callback()
def pipelines(context: typer.Context) -> None:
    """The pipelines of this machine: the project's own, and those under the folders of GRISTMILL_PIPELINES."""
    if context.invoked_subcommand is None:
        list_pipelines()


@group.command("list")
def list_pipelines(json: Json = False) -> None:
    """List the pipelines; one with faults keeps no other back."""
    from gristmill.client.pipelines import pipeline_folders
    from gristmill.pipeline.loading import names

    places = pipeline_folders()
    found = {name: _load(name, places) for name in names(places)}
    if json:
        emit([one for one in found.values() if one])
        return
    rows = [
        (name, str(len(one.stages)), _fold(one.description))
        if one
        else (name, "", f"has faults; see: gristmill pipelines validate {name}")
        for name, one in found.items()
    ]
    rich(table(("PIPELINE", "STAGES", "DESCRIPTION"), rows, right=("STAGES",)))
    note("See more: gristmill pipelines show NAME")


def _load(name: str, places: list[Path]) -> "Pipeline | None":
    from gristmill.pipeline.loading import load

    try:
        return load(name, places)
    except Refused:
        return None


def _fold(text: str) -> str:
    return " ".join(text.split())


@group.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the pipeline.")], json: Json = False
) -> None:
    """Show a pipeline: its parameters, stages and branches."""
    from gristmill.client.pipelines import pipeline_folders
    from gristmill.pipeline.loading import find, read

    file = find(name, pipeline_folders())
    one = read(file)
    if json:
        emit(one)
        return
    out(f"{one.name}: {_fold(one.description)}")
    out(f"  {file}")
    out()
    if one.parameters:
        rows = [_parameter(key, value) for key, value in one.parameters.items()]
        rich(table(("PARAMETER", "TYPE", "DEFAULT", "BOUNDS", "DESCRIPTION"), rows))
        out()
    columns = (
        "STAGE",
        "BRANCH",
        "COMPUTE",
        "VCPUS",
        "MEMORY (MiB)",
        "TIMEOUT (s/task)",
        "ATTEMPTS",
        "CHILDREN",
        "MERGE",
    )
    branches = (_branch(stage.name, branch) for stage in one.stages for branch in stage.branches)
    rich(table(columns, branches, right=columns[3:8]))
    if one.checks:
        out()
        checks = ((check.of, check.figure, check.bounds, check.otherwise, _fold(check.message)) for check in one.checks)
        rich(table(("CHECK OF", "FIGURE", "BOUNDS", "OTHERWISE", "MEANING"), checks))


def _branch(stage: str, one: "Branch") -> tuple[str, ...]:
    needs = (one.compute, str(one.vcpus), f"{one.memory:,}", f"{one.timeout:,}")
    return stage, one.name, *needs, str(one.attempts), f"<= {one.target_children:,}", one.merge


def _parameter(name: str, one: "Parameter") -> tuple[str, ...]:
    default = "" if one.default is None else str(one.default)
    low, high = ("" if bound is None else f"{bound:,.15g}" for bound in (one.minimum, one.maximum))
    bounds = ", ".join(map(str, one.choices or [])) or (f"{low}..{high}" if low or high else "")
    return name, one.type, default, bounds, one.description


@group.command()
def validate(
    which: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME|FILE]...", help="Names or files. Default: all pipelines.")
    ] = None,
    json: Json = False,
) -> None:
    """Check pipelines.

    Tells every fault of each pipeline.yaml with its line, and whether the functions that it names are there.
    """
    from gristmill.client.pipelines import pipeline_folders
    from gristmill.pipeline.loading import names

    places = pipeline_folders()
    found = {name: _inspect(name, places) for name in which or names(places)}
    if json:
        emit([{"pipeline": name, "sound": not one.faults, **vars(one)} for name, one in found.items()])
    else:
        for name, one in found.items():
            if not one.faults:
                out(f"{name}: sound{', but its jobs cannot run on this machine' if one.lacks else ''}")
            for fault in one.faults:
                problem(fault)
            for lack in one.lacks:
                note(lack)
    if any(one.faults for one in found.values()):
        raise typer.Exit(ExitCode.REFUSED)


def _inspect(name: str, places: list[Path]) -> "Inspection":
    from gristmill.pipeline.inspection import Inspection, inspect
    from gristmill.pipeline.loading import find

    try:
        return inspect(Path(name) if name.endswith((".yaml", ".yml")) else find(name, places))
    except Refused as refused:
        return Inspection(refused.faults)


@group.command()
def schema() -> None:
    """Print the JSON Schema of pipeline.yaml, for editors."""
    from gristmill.pipeline.schema import schema as make_schema

    emit(make_schema())
