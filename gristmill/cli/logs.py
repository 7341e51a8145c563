"""`gristmill logs`: what the children of a run wrote."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.options import Json, MaybeRunId, Raw
from gristmill.cli.session import session
from gristmill.cli.show import emit, logged, note

if TYPE_CHECKING:
    from gristmill.client.logs import Line, Stream
    from gristmill.client.runs import Run
    from gristmill.client.stack import Mill

_LOOK_SECONDS = 1.0


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(logs)


def logs(
    context: typer.Context,
    run: MaybeRunId = None,
    branch: Annotated[str | None, typer.Option(metavar="NAME", help="Only this branch's children.")] = None,
    task: Annotated[
        int | None, typer.Option(metavar="N", help="Only the children that worked on this task.", min=0)
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    raw: Raw = False,
    json: Json = False,
) -> None:
    """Print the logs of a run's children."""
    from gristmill.client.logs import STREAMS_MAX, streams, task_streams

    mill = session(context).mill
    found = session(context).run(run)

    def wanted() -> "list[Stream]":
        return streams(mill, found, branch) if task is None else task_streams(mill, found, branch, task)

    lines = _follow(mill, found, wanted) if follow else _all(mill, wanted())
    if json:
        emit(list(lines))
        return
    for line in lines:
        logged(f"{line.at.astimezone():%H:%M:%S} {line.label} | ", line.text, raw)
    if task is None and len(wanted()) == STREAMS_MAX:
        note(f"There are more than {STREAMS_MAX} children; see others with --branch or --task.")


def _all(mill: "Mill", wanted: "list[Stream]") -> "Iterator[Line]":
    from gristmill.client.logs import read

    yield from read(mill, wanted)


def _follow(mill: "Mill", run: "Run", wanted: "Callable[[], list[Stream]]") -> "Iterator[Line]":
    """Yield lines as they come, each once, until the run has ended and all was read."""
    from gristmill.client.logs import read
    from gristmill.client.runs import find_run

    seen: set[str] = set()
    since = None
    while True:
        going = find_run(mill, run.run).going
        for line in read(mill, wanted(), since):
            if line.id not in seen:
                seen.add(line.id)
                since = max(since, line.at) if since else line.at
                yield line
        if not going:
            return
        time.sleep(_LOOK_SECONDS)
