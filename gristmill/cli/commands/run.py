"""`gristmill run`: drop a file and see what comes of it."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.terminal.ending import left_going, see_to_end, tell_end, waiting
from gristmill.cli.terminal.options import Inputs, Json, PipelineName, Results, Watch, given_inputs, pairs
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, note, out
from gristmill.cli.terminal.tables import size
from gristmill.cli.terminal.uploading import uploading
from gristmill.errors import Refused

if TYPE_CHECKING:
    from gristmill.client.drop.upload import Upload
    from gristmill.client.stack import Stack
    from gristmill.code.push import Code
    from gristmill.storage import Storage


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


_NOT_UPLOADED = "Nothing was uploaded."
_File = Annotated[
    Path, typer.Argument(metavar="FILE", help="The file to drop.", exists=True, dir_okay=False, readable=True)
]
_Parameters = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter; may be repeated.")
]
_Name = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Name in the bucket, slashes allowed. Default: the file's own name."),
]
_Owner = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Whose run it is; subscriptions can filter by it. Default: your user name."),
]
_Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help="A tag to find the run by; may be repeated.")
]
_NoCache = Annotated[bool, typer.Option("--no-cache", help="Compute all of it: reuse nothing of other runs.")]
_Batch = Annotated[
    str | None, typer.Option("--batch", metavar="NAME", help="A name that runs share that belong together.")
]


def run(
    context: typer.Context,
    pipeline: PipelineName,
    file: _File,
    param: _Parameters = None,
    inputs: Inputs = None,
    name: _Name = None,
    owner: _Owner = None,
    tag: _Tags = None,
    batch: _Batch = None,
    no_cache: _NoCache = False,
    watch: Watch = True,
    results: Results = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Check name and parameters here, before the file travels.")
    ] = True,
    json: Json = False,
) -> None:
    """Drop FILE for PIPELINE and show the run.

    A folder (./NAME) is pushed for this run alone: what other runs of the pipeline take stays as it is.
    Ends with the places of the results, or with the cause and what to do. Ctrl-C stops the watching, not the run.
    If the upload is cut off, the same command goes on where it was.
    """
    from gristmill.client.drop.drops import await_run, drop
    from gristmill.client.drop.upload import Upload
    from gristmill.client.push.folder import named, read_code
    from gristmill.client.user import user_name, utf8
    from gristmill.humanize import ascii_only
    from gristmill.storage.resumable import Hearer
    from gristmill.storage.upload_record import records_folder

    here = session(context)
    whose = ascii_only(owner) if owner else user_name()
    others = given_inputs(inputs)
    stack = here.working_stack
    meant = named(pipeline)
    code = read_code(meant.folder) if meant.folder else None
    named_so, parameters, tags = utf8(name or file.name), pairs(param or []), pairs(tag or [])
    upload = Upload(file, meant.name, named_so, parameters, whose, others, tags, batch, no_cache=no_cache)
    if check:
        _check(stack, upload, meant.roots, None if code else stack.store)
    if code:
        upload = replace(upload, version=_push(stack, code))
    here.share_pipelines()
    total = sum(path.stat().st_size for path in (file, *upload.files.values()))
    with uploading(total) as progress:
        started = drop(stack, upload, Hearer(progress, note), records_folder(os.environ))
    if not watch:
        _tell_start(stack, started, upload, json)
        return
    _tell_upload(upload, total, started)
    with left_going(started):
        claimed = await_run(stack, started, waiting(here, started))
    ended = see_to_end(here, claimed)
    tell_end(here, ended, results, json)


def _push(stack: "Stack", code: "Code") -> int:
    from gristmill.cli.commands.pushes import describe
    from gristmill.client.push.versions import push_for_one_run

    version = push_for_one_run(stack, code, note)
    note(f"Takes {describe(version)}, for this run alone.")
    return version.number


def _check(stack: "Stack", upload: "Upload", roots: Sequence[Path], pushed: "Storage | None") -> None:
    from gristmill.client.drop.drops import faults
    from gristmill.client.drop.plan import record_of

    if found := faults(upload):  # first: what is no file cannot be read
        raise Refused(found, _NOT_UPLOADED)
    record = record_of(upload, roots, pushed, stack.limits, stack.store)[1]
    if record.faults:
        raise Refused(record.faults, _NOT_UPLOADED)
    if record.code and record.code.version:
        note(f"Takes {upload.pipeline} as it was pushed, {record.code.headline}.")


def _tell_upload(upload: "Upload", total: int, started: str) -> None:
    files = ", ".join(map(str, (upload.file, *upload.files.values())))
    noted = f", and dropped the note {upload.key}" if upload.inputs else f" as {upload.key}"
    note(f"Uploaded {files} ({size(total)}){noted}; it starts run {started}.")


def _tell_start(stack: "Stack", started: str, upload: "Upload", json: bool) -> None:
    if json:
        emit({"run": started, "bucket": stack.store.bucket, "key": upload.key})
        return
    out(f"Run {started} starts. Follow it with: gristmill watch {started}")
