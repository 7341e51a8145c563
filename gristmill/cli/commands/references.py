"""`gristmill references`: files of the bucket that many runs read."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from gristmill.cli.terminal.options import Json
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, note, out, rich
from gristmill.cli.terminal.tables import size, table
from gristmill.cli.terminal.uploading import uploading
from gristmill.keys import REFERENCES

group = typer.Typer(invoke_without_command=True, help="Files that many runs read, as a genome; they never expire.")


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="references")


@group.callback()
def references(context: typer.Context) -> None:
    """Files that many runs read, as a genome; they never expire. Without a command: list them."""
    if context.invoked_subcommand is None:
        list_all(context)


@group.command("list")
def list_all(context: typer.Context, json: Json = False) -> None:
    """List the references."""
    from gristmill.client.drop.references import list_references

    found = list(list_references(session(context).stack))
    if json:
        emit([{"key": reference.key, "size": reference.size} for reference in found])
        return
    if not found:
        note("There are no references. Put a file there with: gristmill references put FILE")
        return
    rows = [(reference.key, size(reference.size)) for reference in found]
    rich(table(("KEY", "SIZE"), rows, right=("SIZE",)))


@group.command()
def put(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to upload.", exists=True, dir_okay=False, readable=True)
    ],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name below references/, slashes allowed. Default: the file's own name."),
    ] = None,
    json: Json = False,
) -> None:
    """Upload FILE as a reference, in place of one with the same name.

    Runs that have begun read the version that they began with. If the upload is cut off, the same command goes on
    where it was.
    """
    from gristmill.client.drop.references import put_reference
    from gristmill.client.user import utf8
    from gristmill.storage.resumable import Hearer
    from gristmill.storage.upload_record import records_folder

    stack = session(context).working_stack
    with uploading(file.stat().st_size) as progress:
        hearer = Hearer(progress, note)
        key = put_reference(stack, file, utf8(name or file.name), hearer, records_folder(os.environ))
    if json:
        emit({"key": key, "size": file.stat().st_size})
        return
    out(f"{key} ({size(file.stat().st_size)}). Give it to a run with: --input {shlex.quote(f'NAME={key}')}")


@group.command()
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"The reference, with or without {REFERENCES}.")],
    json: Json = False,
) -> None:
    """Remove a reference.

    Runs that have begun with it can be finished and resumed as long as older versions are kept.
    """
    from gristmill.client.drop.references import remove_reference

    key = remove_reference(session(context).stack, name)
    if json:
        emit({"removed": key})
        return
    out(f"Removed {key}.")
