"""`gristmill pipelines`: the pipelines of this machine, and whether they are sound."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.terminal.options import Json
from gristmill.cli.terminal.show import emit, note, out, problem, rich
from gristmill.cli.terminal.tables import table
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
        emit([pipeline for pipeline in found.values() if pipeline])
        return
    rows = [
        (name, str(len(pipeline.stages)), _fold(pipeline.description))
        if pipeline
        else (name, "", f"has faults; see: gristmill pipelines validate {name}")
        for name, pipeline in found.items()
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
    pipeline = read(file)
    if json:
        emit(pipeline)
        return
    out(f"{pipeline.name}: {_fold(pipeline.description)}")
    out(f"  {file}")
    out()
    if pipeline.parameters:
        rows = [_parameter(key, value) for key, value in pipeline.parameters.items()]
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
    branches = (_branch(stage.name, made) for stage in pipeline.stages for made in stage.made)
    rich(table(columns, branches, right=columns[3:8]))
    if pipeline.checks:
        out()
        checks = (
            (check.of, check.figure, check.bounds, check.otherwise, _fold(check.message)) for check in pipeline.checks
        )
        rich(table(("CHECK OF", "FIGURE", "BOUNDS", "OTHERWISE", "MEANING"), checks))


def _branch(stage: str, branch: "Branch") -> tuple[str, ...]:
    needs = (branch.compute, str(branch.vcpus), f"{branch.memory:,}", f"{branch.timeout:,}")
    return (
        stage,
        branch.name,
        *needs,
        str(branch.attempts),
        "by work" if branch.target_children is None else f"<= {branch.target_children:,}",
        branch.merge,
    )


def _parameter(name: str, parameter: "Parameter") -> tuple[str, ...]:
    from gristmill.pipeline.placeholders import as_text

    default = "" if parameter.default is None else as_text(parameter.default).replace("\n", ",")
    low, high = ("" if bound is None else f"{bound:,.15g}" for bound in (parameter.minimum, parameter.maximum))
    bounds = ", ".join(map(str, parameter.choices or [])) or (f"{low}..{high}" if low or high else "")
    kind = f"{parameter.type} of {parameter.of}" if parameter.of else parameter.type
    return name, kind, default, bounds, parameter.description


@group.command()
def validate(
    which: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME|FILE]...", help="Names or files. Default: all pipelines.")
    ] = None,
    json: Json = False,
) -> None:
    """Check pipelines.

    Shows every fault of each pipeline.yaml with its line, and whether the functions that it names are there.
    """
    from gristmill.client.pipelines import pipeline_folders
    from gristmill.pipeline.loading import names

    places = pipeline_folders()
    found = {name: _inspect(name, places) for name in which or names(places)}
    if json:
        emit([{"pipeline": name, "sound": not report.faults, **vars(report)} for name, report in found.items()])
    else:
        for name, report in found.items():
            if not report.faults:
                out(f"{name}: sound{', but its jobs cannot run on this machine' if report.lacks else ''}")
            for fault in report.faults:
                problem(fault)
            for lack in report.lacks:
                note(lack)
    if any(report.faults for report in found.values()):
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
