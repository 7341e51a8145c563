"""`gristmill pipelines push`, `versions`, `diff`, `use` and `delete`: pipelines as data of a stack."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gristmill.cli.terminal.options import Json
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, note, out, rich
from gristmill.cli.terminal.tables import moment, size, table

if TYPE_CHECKING:
    from gristmill.code.pushed import Version

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the pipeline.")]
_Replace = Annotated[
    bool, typer.Option("--replace-built-in", help="Have runs of a pipeline of the stack itself take this code.")
]


def add_to(group: typer.Typer) -> None:
    """Add the commands to those of pipelines."""
    group.command()(push)
    group.command()(versions)
    group.command()(diff)
    group.command()(use)
    group.command()(delete)


def push(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The pipeline's folder.", exists=True, file_okay=False)
    ],
    message: Annotated[str, typer.Option("--message", "-m", metavar="TEXT", help="What is new, for the log.")] = "",
    replace_built_in: _Replace = False,
    json: Json = False,
) -> None:
    """Push a folder to the stack; runs take it from now on.

    Neither the stack nor an image changes. Runs that are under way keep the code that they began with.
    """
    from gristmill.client.push.versions import push_folder
    from gristmill.client.user import utf8

    stack = session(context).working_stack
    text = utf8(message, "the message", "Give it as UTF-8.")
    pushed = push_folder(stack, folder, text, note, replace_built_in=replace_built_in)
    version = pushed.version
    if json:
        emit({**version.model_dump(mode="json"), "is_new": pushed.is_new})
        return
    if not pushed.is_new:
        out(f"{version.pipeline} is version {version.number} ({version.short}) already: nothing was pushed.")
        return
    before = f"; before, they took version {pushed.before}" if pushed.before else ""
    out(f"Pushed {describe(version)}. Runs of {version.pipeline} take it from now on{before}.")


def describe(version: "Version") -> str:
    """Return a version with all that tells it from others."""
    commit = f", commit {version.commit}" if version.commit else ""
    return f"{version.pipeline} as version {version.number} ({version.short}, {size(version.size)}{commit})"


def versions(context: typer.Context, name: _Name, json: Json = False) -> None:
    """List the versions of a pipeline.

    The newest first: who pushed each, when, of which commit, and which one runs take."""
    from gristmill.code.pushed import find_current, read_versions

    store = session(context).stack.store
    current, found = find_current(store, name), read_versions(store, name)
    if json:
        emit({"current": current, "versions": [version.model_dump(mode="json") for version in found]})
        return
    if not found:
        note(f"Nothing was pushed of {name} yet. Push it with: gristmill pipelines push FOLDER")
        return
    rows = [_row(version, current.number if current else None) for version in found]
    rich(table(("VERSION", "", "PUSHED", "BY", "DIGEST", "COMMIT", "SIZE", "MESSAGE"), rows, right=("VERSION", "SIZE")))
    if current is None or current.number is None:
        note(f"Runs of {name} take none of them. Have them take one with: gristmill pipelines use {name} VERSION")


def _row(version: "Version", current: int | None) -> tuple[Any, ...]:
    state = "current" if version.number == current else ""
    if version.deleted:
        state = f"deleted by {version.deleted.name}"
    when, who = moment(version.pusher.at), version.pusher.name
    return str(version.number), state, when, who, version.short, version.commit, size(version.size), version.message


def diff(
    context: typer.Context,
    name: _Name,
    a: Annotated[str, typer.Argument(metavar="A", help="A version's number, `built-in`, or a folder (./NAME).")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same.")],
) -> None:
    """Show how two versions differ, as a unified diff."""
    from gristmill.client.push.compare import differences
    from gristmill.client.push.versions import files_of

    stack = session(context).stack
    before, after = (files_of(stack, name, text) for text in (a, b))
    lines = list(differences(before, after, (a, b)))
    for line in lines:
        out(line)
    if not lines:
        note("They do not differ.")


def use(
    context: typer.Context,
    name: _Name,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Its number, or `built-in`.")],
    replace_built_in: _Replace = False,
) -> None:
    """Have runs take another version from now on.

    So a push is rolled back, and rolled forward again.
    """
    from gristmill.client.push.versions import use as take

    take(session(context).working_stack, name, version, replace_built_in=replace_built_in)
    out(f"Runs of {name} take {'the built-in one' if version == 'built-in' else f'version {version}'} from now on.")


def delete(
    context: typer.Context,
    name: _Name,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1, help="Its number.")],
) -> None:
    """Delete the code of a version.

    Never of one that runs take, or that a run names; the log keeps its entry."""
    from gristmill.client.push.deletion import delete_version

    delete_version(session(context).stack, name, version)
    out(f"Deleted version {version} of {name}; the log keeps who pushed it, and who deleted it.")
