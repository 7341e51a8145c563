"""`gristmill batch`: one pipeline over many files and values of parameters."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.terminal.batch_plan import emit_plan, show_plan
from gristmill.cli.terminal.ending import left_going, see_to_end, tell_end, waiting
from gristmill.cli.terminal.options import Inputs, Json, PipelineName, Watch, given_inputs, pairs
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import confirm, note, out
from gristmill.cli.terminal.tables import size
from gristmill.cli.terminal.uploading import uploading
from gristmill.errors import ExitCode
from gristmill.limits import AT_ONCE, AT_ONCE_MAX

if TYPE_CHECKING:
    from gristmill.client.batches.plan import BatchPlan
    from gristmill.client.batches.start import BatchOptions
    from gristmill.client.push.folder import Named
    from gristmill.client.stack import Stack


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(batch)


_Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILES",
        help="Files, patterns ('data/*.txt'), or keys of the bucket (uploads/..., references/...).",
    ),
]
_Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        metavar="NAME=VALUES",
        help="Values of a parameter: 1,2,5..9, or with a step 0..100..10; a value with commas in double quotes. "
        "With several parameters, each value of one with each of the others.",
    ),
]
_Manifest = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A CSV file instead of FILES: its columns are input, and names of other inputs and of parameters.",
        exists=True,
        dir_okay=False,
    ),
]
_AtOnce = Annotated[int, typer.Option(metavar="N", help="How many items run at the same time.", min=1, max=AT_ONCE_MAX)]
_Name = Annotated[
    str | None, typer.Option(metavar="NAME", help="Name of the batch. Default: made of the pipeline and the items.")
]
_MaxCost = Annotated[
    float | None,
    typer.Option(metavar="DOLLARS", help="Refuse a batch that is expected to cost more in all.", min=0),
]
_Owner = Annotated[str | None, typer.Option(metavar="NAME", help="Whose runs they are. Default: your user name.")]
_Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help="A tag to find the runs by; may be repeated.")
]


def batch(
    context: typer.Context,
    pipeline: PipelineName,
    files: _Files = None,
    param: _Parameters = None,
    manifest: _Manifest = None,
    inputs: Inputs = None,
    at_once: _AtOnce = AT_ONCE,
    name: _Name = None,
    max_cost: _MaxCost = None,
    owner: _Owner = None,
    tag: _Tags = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Start it without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show items and price, and start nothing.")] = False,
    watch: Watch = True,
    json: Json = False,
) -> None:
    """Run a pipeline over files times parameters.

    Each file is taken with each value of each parameter: as many runs, one batch. All of them are checked and priced
    before the first file travels, and each file travels once. On a terminal it asks before it starts. Runs go on a few
    at a time; one notice tells of all. If it is cut off while files travel, nothing has started, and the same command
    goes on where it was.
    """
    from gristmill.client.batches.check import check_options, find_code_of, plan_within
    from gristmill.client.batches.read import read_items
    from gristmill.client.batches.start import BatchOptions
    from gristmill.client.push.folder import named as named_pipeline
    from gristmill.client.user import user_name
    from gristmill.humanize import ascii_only

    if bool(files) == (manifest is not None):
        raise typer.BadParameter("give FILES, or a list of them with --manifest")
    here = session(context)
    stack, meant = here.working_stack, named_pipeline(pipeline)
    source = find_code_of(stack, meant)
    items = read_items(source.pipeline, files or [], manifest, pairs(param or []), given_inputs(inputs))
    whose = ascii_only(owner) if owner else user_name()
    version = source.code.version
    options = BatchOptions(
        meant.name, whose, at_once, name, pairs(tag or []), max_cost, "" if version is None else str(version)
    )
    check_options(options)
    plan = plan_within(stack, source, items, options)
    if dry_run:
        emit_plan(plan, options) if json else show_plan(plan, options)
        return
    if not json:
        show_plan(plan, options)
    _agree(yes)
    here.share_pipelines()
    _start(context, plan, options, meant, watch=watch, json=json)


def _agree(yes: bool) -> None:
    """Ask whether to start, where somebody is there to answer."""
    if not yes and sys.stdin.isatty() and sys.stderr.isatty() and not confirm("Start it?"):
        note("Nothing was uploaded or started.")
        raise typer.Exit(ExitCode.FAILED)


def _start(
    context: typer.Context, plan: "BatchPlan", options: "BatchOptions", meant: "Named", *, watch: bool, json: bool
) -> None:
    from gristmill.client.batches.start import files_of, start_batch
    from gristmill.client.drop.drops import await_run
    from gristmill.storage.resumable import Hearer
    from gristmill.storage.upload_record import records_folder

    here = session(context)
    stack = here.working_stack
    if meant.folder:
        options = _pushed(stack, meant.folder, options)
    items = [priced.item for priced in plan.items]
    files = files_of(items)
    total = sum(path.stat().st_size for path in files.values())
    with _nothing_started(), uploading(total) as progress:
        started = start_batch(stack, items, options, Hearer(progress, lambda _: None), records_folder(os.environ))
    note(f"Uploaded {len(files):,} files ({size(total)}), and dropped the note {started.key}.")
    if not watch:
        if json:
            emit_plan(plan, options, run=started.run, name=started.name, bucket=stack.store.bucket, key=started.key)
        else:
            out(f"Batch {started.name} starts as run {started.run}. Follow it with: gristmill watch {started.run}")
        return
    note(f"Batch {started.name} starts as run {started.run}.")
    with left_going(started.run):
        claimed = await_run(stack, started.run, waiting(here, started.run))
    tell_end(here, see_to_end(here, claimed), None, json)


def _pushed(stack: "Stack", folder: Path, options: "BatchOptions") -> "BatchOptions":
    from dataclasses import replace

    from gristmill.cli.commands.pushes import describe
    from gristmill.client.push.folder import read_code
    from gristmill.client.push.versions import push_for_one_run

    version = push_for_one_run(stack, read_code(folder), note)
    note(f"Takes {describe(version)}, for this batch alone.")
    return replace(options, version=str(version.number))


@contextmanager
def _nothing_started() -> Iterator[None]:
    """Say, where an upload is cut off, that nothing has started and how to go on."""
    try:
        yield
    except BaseException:
        note("Nothing has started. What is uploaded is kept: the same command goes on where this one was.")
        raise
