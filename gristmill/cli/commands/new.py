"""`gristmill new`: begin a pipeline of one's own."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from gristmill.cli.terminal.options import Json
from gristmill.cli.terminal.show import emit, out


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(new)


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits and hyphens.")],
    into: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder that holds your pipelines; made if it is not there.")
    ] = Path("pipelines"),
    json: Json = False,
) -> None:
    """Write a new pipeline that runs at once.

    Its pipeline.yaml, jobs.py and a sample file; nothing is overwritten.
    """
    from gristmill.client.drop.starter import SAMPLE, write
    from gristmill.client.pipelines import pipeline_folders

    known = pipeline_folders()
    folder = write(name, into, known)
    files = sorted(file.name for file in folder.iterdir())
    commands = _next(name, folder / SAMPLE, into.absolute(), known)
    if json:
        emit({"folder": folder, "files": files, "next": commands})
        return
    out(f"Wrote {folder}: {', '.join(files)}")
    out("Next:")
    for command in commands:
        out(f"  {command}")


def _next(name: str, sample: Path, root: Path, known: list[Path]) -> list[str]:
    """Return the commands that try and run the new pipeline."""
    path = os.pathsep.join(dict.fromkeys([*map(str, known[1:]), str(root)]))
    export = [] if root in known else [f"export GRISTMILL_PIPELINES={shlex.quote(path)}"]
    file = shlex.quote(str(sample))
    return [
        *export,
        f"gristmill pipelines validate {name}",
        f"gristmill try {name} {file}",
        "gristmill local up && gristmill deploy",
        f"gristmill run {name} {file}",
    ]
