"""Arguments and options that several commands share."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from gristmill.client.drop.given import file_or_key
from gristmill.client.user import utf8
from gristmill.errors import Refused

RUN_ID = re.compile(r"[0-9a-f]{1,16}")
RunId = Annotated[str, typer.Argument(metavar="RUN", help="Run id; its first digits are enough.")]
MaybeRunId = Annotated[
    str | None,
    typer.Argument(metavar="RUN", help="Run id; its first digits are enough. Default: the newest run."),
]
_PIPELINE = "Name of a pipeline (see: gristmill pipelines), or its folder: ./NAME"
PipelineName = Annotated[str, typer.Argument(metavar="PIPELINE", help=_PIPELINE)]
Watch = Annotated[bool, typer.Option("--watch/--no-watch", help="Show the run until it ends.")]
Results = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Write the results to DIR/RUN/. Default: ./results on the embedded AWS, else nowhere."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]
WithChanges = Annotated[
    bool,
    typer.Option("--with-changes", help="As the pipeline is by now: keep what is computed as before, redo the rest."),
]
WithFolder = Annotated[
    Path | None, typer.Option("--with", metavar="DIR", help="With --with-changes: this folder, for this run alone.")
]
Raw = Annotated[
    bool, typer.Option("--raw", help="Print lines as they were written: their control characters act on a terminal.")
]


Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        "-i",
        metavar="NAME=FILE_OR_KEY",
        help="Another input of the run: a file of this machine, or an object of the bucket by its key "
        "(references/hg38.fa). May be repeated.",
    ),
]


def given_inputs(texts: list[str] | None) -> dict[str, Path | str]:
    """Return inputs by name, each a file or a key; Refused where a file is none."""
    given: dict[str, Path | str] = {}
    faults = []
    for name, text in pairs(texts or []).items():
        try:
            given[name] = file_or_key(text)
        except Refused as refused:
            faults += [f"{name}: {fault}" for fault in refused.faults]
    if faults:
        raise Refused(faults)
    return given


def pairs(texts: list[str]) -> dict[str, str]:
    """Return `k=v` texts as a mapping."""
    found: dict[str, str] = {}
    for raw in texts:
        text = utf8(raw, "the value", "Give it as UTF-8.")
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{text!r} is not of the form NAME=VALUE")
        if name in found:
            raise typer.BadParameter(f"{name} is given twice")
        found[name] = value
    return found


_AGO = {"d": "days", "h": "hours", "m": "minutes"}
_DIGITS = 5


def moment_of(text: str, now: datetime) -> datetime:
    """Return the moment that a text means: a date, a date with a time in the local zone, or so long ago."""
    if ago := re.fullmatch(rf"([0-9]{{1,{_DIGITS}}})([dhm])", text):
        return now - timedelta(**{_AGO[ago[2]]: int(ago[1])})
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is no time such as 2026-11-01, 2026-11-01T12:00, 7d, 12h or 30m") from None
