"""`gristmill try`: a pipeline's code on the first chunks of a file, here and now."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gristmill.cli.terminal.options import Json, pairs
from gristmill.cli.terminal.show import emit, note, out, problem, size
from gristmill.errors import ExitCode

if TYPE_CHECKING:
    from gristmill.client.drop.trial import Fault, Trial, Tried

_LINES = 5
_WIDTH = 110
_BYTES = 16


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("try")(attempt)


def attempt(
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE", help="Name of the pipeline; see: gristmill pipelines")],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file; it is read here.", exists=True, dir_okay=False)
    ],
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter; may be repeated.")
    ] = None,
    tasks: Annotated[int, typer.Option(metavar="N", min=1, help="How many tasks of each stage.")] = 3,
    results: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write what would be results to DIR/try/. Default: nowhere.")
    ] = None,
    json: Json = False,
) -> None:
    """Run a pipeline's code on the first chunks of FILE.

    In this process: no bucket, no queue, no AWS of any kind; chunks, streams, jobs and merges are those of a run.
    Shows what went in and out of each branch, how its output begins, and what failed where. What jobs print goes to
    stderr.
    """
    from gristmill.client.drop.drops import Upload
    from gristmill.client.drop.trial import prepare
    from gristmill.client.pipelines import pipeline_folders
    from gristmill.client.user import user_name, utf8

    upload = Upload(file, pipeline, utf8(file.name), pairs(param or []), user_name())
    with TemporaryDirectory(prefix="gristmill-try-") as folder:
        trial = prepare(upload, pipeline_folders(), tasks, Path(folder))
        found = list(_shown(trial, json))
        kept = _keep(trial, results) if results else []
    if json:
        emit({"pipeline": pipeline, "branches": [_as_json(one) for one in found], "results": kept})
    _tell_untried(trial, found)
    if any(one.failed or one.problem or one.is_doubted for one in found):
        raise typer.Exit(ExitCode.FAILED)


def _shown(trial: "Trial", json: bool) -> "Iterator[Tried]":
    for one in trial.run():
        if not json:
            _show(one)
        yield one


def _show(one: "Tried") -> None:
    if one.left_out:
        out(f"{one.stage}/{one.branch}: {one.left_out}")
        out()
        return
    came = f"records {one.records_in:,} in, {one.records_out:,} out; {size(one.bytes_in)} in, {size(one.bytes_out)} out"
    failed = f", {one.failed} FAILED" if one.failed else ""
    out(f"{one.stage}/{one.branch}: {one.tasks} task{'s' * (one.tasks != 1)}{failed}; {came}; {one.seconds:.2f} s")
    for line in preview(one.head, one.bytes_out):
        out(f"  | {line}")
    for fault in one.faults:
        _show_fault(fault)
    if one.problem:
        problem(f"{one.stage}/{one.branch}: {one.problem}")
    for result in one.checks:
        out(f"  {result.verdict} {result.headline}")
    out()


def _show_fault(fault: "Fault") -> None:
    failure = fault.failure
    line = "" if fault.line is None else f", from line {fault.line:,}"
    problem(f"{failure.stage}/{failure.branch}, task {failure.task}: {failure.reason}")
    out(f"  its input: bytes {failure.start:,} to {failure.end:,}{line}")
    for text in failure.detail.rstrip().splitlines():
        out(f"  | {text}")


def preview(head: bytes, size_of_all: int) -> list[str]:
    """Return the first lines of an output as a terminal shows them; its first bytes where it is no text."""
    text = head.decode(errors="replace") if head else ""
    if "\0" in text or "�" in text[:-1]:
        return [f"binary, begins with {head[:_BYTES].hex(' ')}"]
    lines = text.splitlines()
    shown = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…" for line in lines[:_LINES]]
    more = len(lines) > _LINES or size_of_all > len(head)
    return [*shown, "…"] if more else shown


def _keep(trial: "Trial", folder: Path) -> list[str]:
    kept = []
    for name, made in trial.results:
        place = folder / "try" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, place)
        note(f"Wrote {place}")
        kept.append(str(place))
    return kept


def _as_json(one: "Tried") -> dict[str, Any]:
    fields = {**vars(one), "head": preview(one.head, one.bytes_out)}
    fields["checks"] = [result.model_dump(mode="json") for result in one.checks]
    return {**fields, "faults": [{**fault.failure.model_dump(mode="json"), "line": fault.line} for fault in one.faults]}


def _tell_untried(trial: "Trial", found: "list[Tried]") -> None:
    from gristmill.runs.locations import frozen

    seen = {one.stage for one in found}
    untried = [stage.name for stage in frozen(trial.record).stages if stage.name not in seen]
    if untried:
        note(f"Not tried, for they come after that: {', '.join(untried)}")
