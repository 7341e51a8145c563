"""`gristmill plan`: what a run would do, before it does it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gristmill.cli.terminal.changes import facts_of, noticed_changes, planned_changes, tell_changes, wanted_changes
from gristmill.cli.terminal.options import RUN_ID, Inputs, Json, WithChanges, WithFolder, given_inputs, pairs
from gristmill.cli.terminal.session import Session, session
from gristmill.cli.terminal.show import emit, out, rich
from gristmill.cli.terminal.tables import seconds, size, table

if TYPE_CHECKING:
    from gristmill.batch.plan import BranchPlan
    from gristmill.client.drop.plan import Plan
    from gristmill.client.drop.upload import Upload
    from gristmill.client.push.folder import Named
    from gristmill.client.runs.changes import Changes
    from gristmill.pipeline.model import Pipeline
    from gristmill.runs.records import RunRecord


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(plan)


def plan(
    context: typer.Context,
    pipeline: Annotated[
        str | None,
        typer.Argument(
            metavar="PIPELINE",
            help="A pipeline's name or folder (./NAME); or, without FILE, a run to resume (default: the newest).",
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The file; it is read here.", exists=True, dir_okay=False)
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter; may be repeated.")
    ] = None,
    inputs: Inputs = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name in the bucket. Default: the file's own name.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Plan the resume of this run instead: what would be reused.")
    ] = None,
    with_changes: WithChanges = False,
    folder: WithFolder = None,
    json: Json = False,
) -> None:
    """Show what a run of FILE, or a resume, would do.

    Its chunks, jobs and children, as Split and JobMap would make them, and its price. Nothing is uploaded or started.
    Of a resume --with-changes: what would be kept, and why the rest would not.
    """
    from gristmill.client.drop.upload import Upload
    from gristmill.client.push.folder import named
    from gristmill.client.user import user_name, utf8
    from gristmill.runs.locations import frozen

    if folder and not with_changes:
        raise typer.BadParameter("--with is for --with-changes")
    here = session(context)
    changes: Changes | None = None
    if resume is None and file is None and pipeline and RUN_ID.fullmatch(pipeline):
        resume, pipeline = pipeline, None
    if pipeline is None and file is None:
        title, facts, planned, record, changes = _of_run(here, resume, folder, with_changes=with_changes)
        made = None
    elif with_changes:
        raise typer.BadParameter("--with-changes is for a resume: give RUN")
    elif resume is None and pipeline is not None and file is not None:
        meant, others = named(pipeline), given_inputs(inputs)
        upload = Upload(file, meant.name, utf8(name or file.name), pairs(param or []), user_name(), others)
        title, facts, made = _of_file(here, upload, meant)
        planned, record = made.branches, made.record
    else:
        raise typer.BadParameter("give PIPELINE and FILE, or a run to resume")
    if json:
        emit(
            {
                **facts,
                "branches": [{**vars(branch), "todo": branch.todo, "children": branch.children} for branch in planned],
            }
        )
        return
    _show(title, planned, frozen(record))
    for stage, reason in record.skipped.items():
        out(f"Left out: stage {stage}: {reason}.")
    if changes:
        tell_changes(changes, taken=with_changes)
    if made:
        _tell_price(made)


def _of_run(
    here: Session, text: str | None, folder: Path | None, *, with_changes: bool
) -> "tuple[str, dict[str, Any], list[BranchPlan], RunRecord, Changes | None]":
    from gristmill.client.drop.plan import plan_resume, planned_record

    run = here.run(text)
    record = planned_record(run)
    if folder:
        changes: Changes | None = planned_changes(here, record, folder)
    else:
        changes = wanted_changes(here, record) if with_changes else noticed_changes(here, record)
    planned_for = changes.record if changes and with_changes else record
    planned = plan_resume(here.stack, planned_for, here.stack.capacity)
    facts = {"run": run.run, "generation": planned_for.generation, "changes": facts_of(changes)}
    return f"Resume of run {run.run} ({run.title})", facts, planned, planned_for, changes


def _of_file(here: Session, upload: "Upload", meant: "Named") -> "tuple[str, dict[str, Any], Plan]":
    from gristmill.client.drop.plan import plan_file
    from gristmill.pipeline.lists import as_given

    store = here.stack.store
    made = plan_file(upload, meant.roots, here.stack.limits, None if meant.folder else store, store)
    record = made.record
    values = " ".join(f"{key}={as_given(value)}" for key, value in record.parameters.items())
    title = f"{upload.pipeline}/{upload.name} ({size(record.input.size)})" + (f" with {values}" if values else "")
    facts = {"pipeline": upload.pipeline, "size": record.input.size, "parameters": record.parameters}
    return title, {**facts, "estimate": made.bill, "warnings": made.warnings}, made


def _tell_price(made: "Plan") -> None:
    from gristmill.cost.bill import describe_bill, largest_item

    for warning in made.warnings:
        out(f"Warning: {warning}.")
    out(f"Cost: {describe_bill(made.bill, None)} estimated, most of it for {largest_item(made.bill)}")


def _show(title: str, planned: "list[BranchPlan]", pipeline: "Pipeline") -> None:
    from gristmill.batch.plan import basis

    out(title)
    columns = (
        "STAGE",
        "BRANCH",
        "CHUNKS",
        "REUSED",
        "TO DO",
        "JOBS",
        "CHILDREN",
        "DECIDED BY",
        "EACH CHILD",
        "TIMEOUT",
    )
    rich(table(columns, map(_row, planned), right=columns[2:7]))
    for stage in dict.fromkeys(branch.stage for branch in planned if branch.tasks is None):
        out(f"? {stage}: {basis(pipeline, stage)}.")


def _row(branch: "BranchPlan") -> tuple[str, ...]:
    each = f"{branch.vcpus:g} vCPU, {branch.memory:,} MiB"
    if branch.tasks is None:
        return branch.stage, branch.branch, "?", "0", "?", "?", "?", "", each, ""
    counts = (branch.tasks, branch.reused, branch.todo or 0, len(branch.jobs), branch.children)
    return (
        branch.stage,
        branch.branch,
        *(f"{count:,}" for count in counts),
        branch.basis,
        each,
        seconds(branch.timeout) if branch.jobs else "",
    )
