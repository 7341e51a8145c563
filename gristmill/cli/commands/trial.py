"""`gristmill try`: a pipeline's code on the first chunks of a file, here and now."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gristmill.cli.terminal.options import Inputs, Json, given_inputs, pairs
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, note, out, problem
from gristmill.cli.terminal.tables import size
from gristmill.errors import ExitCode

if TYPE_CHECKING:
    from gristmill.client.drop.trial import Trial
    from gristmill.client.drop.tried import Fault, Tried

_LINES = 5
_WIDTH = 110
_BYTES = 16


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("try")(attempt)


def attempt(
    context: typer.Context,
    pipeline: Annotated[
        str | None, typer.Argument(metavar="PIPELINE", help="A pipeline's name or folder (./NAME).")
    ] = None,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The file; it is read here.", exists=True, dir_okay=False)
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter; may be repeated.")
    ] = None,
    inputs: Inputs = None,
    tasks: Annotated[int, typer.Option(metavar="N", min=1, help="How many tasks of each stage.")] = 3,
    results: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write what would be results to DIR/try/. Default: nowhere.")
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Do a task of this run instead; with --task.")
    ] = None,
    stage: Annotated[str, typer.Option(metavar="STAGE", help="Its stage; not needed where there is one.")] = "",
    branch: Annotated[str, typer.Option(metavar="BRANCH", help="Its branch; not needed where there is one.")] = "",
    task: Annotated[int | None, typer.Option(metavar="N", min=0, help="Its number, as mails and reports say.")] = None,
    json: Json = False,
) -> None:
    """Run a pipeline's code on the first chunks of FILE.

    In this process: no bucket, no queue, no AWS of any kind; chunks, streams, jobs and merges are those of a run.
    Shows what went in and out of each branch, how its output begins, and what failed where. What jobs print goes to
    stderr.

    With --run RUN --task N it is that very task, with its own input, code and parameters. Those are read from the run's
    bucket, and what the task writes stays here: nothing of the run changes.
    """
    if run is not None and task is not None and pipeline is None and not param and not inputs:
        _one_task(context, run, (stage, branch), task, results, json)
    elif run is None and task is None and not stage and not branch and pipeline is not None and file is not None:
        _first_tasks(context, pipeline, (file, pairs(param or []), given_inputs(inputs)), tasks, results, json)
    else:
        raise typer.BadParameter("give PIPELINE and FILE, or --run RUN and --task N")


def _one_task(
    context: typer.Context, text: str, where: tuple[str, str], number: int, results: Path | None, json: bool
) -> None:
    from gristmill.client.drop.in_process import restored_path
    from gristmill.client.drop.lacking import tell_containers
    from gristmill.client.drop.one_task import choose_task
    from gristmill.runs.repository import read_record

    here = session(context)
    record = read_record(here.stack.store, here.run(text).run)
    with restored_path(), TemporaryDirectory(prefix="gristmill-try-") as folder:
        task = choose_task(here.stack.store, record, where, number, Path(folder))
        note(f"Task {number} of run {record.run}" + (f", code {record.code.headline}" if record.code else ""))
        tell_containers([task.branch], note)
        found = task.run()
        kept = []
        if results and not found.failed:
            kept = [_copy(task.output, results / "try" / f"{found.branch}-{number}{task.output_suffix}")]
    if json:
        emit({"run": record.run, "task": number, "code": record.code, "branches": [_as_json(found)], "results": kept})
    else:
        _show(found)
    if found.failed:
        raise typer.Exit(ExitCode.FAILED)


def _first_tasks(
    context: typer.Context,
    pipeline: str,
    given: tuple[Path, dict[str, str], dict[str, Path | str]],
    tasks: int,
    results: Path | None,
    json: bool,
) -> None:
    from gristmill.client.drop.in_process import restored_path
    from gristmill.client.drop.lacking import tell_containers
    from gristmill.client.drop.trial import prepare
    from gristmill.client.drop.upload import Upload
    from gristmill.client.push.known import known
    from gristmill.client.user import user_name, utf8
    from gristmill.runs.locations import frozen

    file, parameters, inputs = given
    with (
        restored_path(),
        TemporaryDirectory(prefix="gristmill-try-") as folder,
        known(pipeline, session(context).pushed) as meant,
    ):
        upload = Upload(file, meant.name, utf8(file.name), parameters, user_name(), inputs)
        trial = prepare(upload, meant.roots, tasks, Path(folder))
        tell_containers(frozen(trial.record).branches, note)
        found = list(_shown(trial, json))
        kept = _keep(trial, results) if results else []
    if json:
        emit({"pipeline": meant.name, "branches": [_as_json(branch) for branch in found], "results": kept})
    _tell_untried(trial, found)
    if any(branch.failed or branch.problem or branch.is_doubted for branch in found):
        raise typer.Exit(ExitCode.FAILED)


def _shown(trial: "Trial", json: bool) -> "Iterator[Tried]":
    for branch in trial.run():
        if not json:
            _show(branch)
        yield branch


def _show(branch: "Tried") -> None:
    if branch.left_out:
        out(f"{branch.stage}/{branch.branch}: {branch.left_out}")
        out()
        return
    records = f"records {branch.records_in:,} in, {branch.records_out:,} out"
    sizes = f"{size(branch.bytes_in)} in, {size(branch.bytes_out)} out"
    tasks = f"{branch.tasks} task{'s' * (branch.tasks != 1)}"
    failed = f", {branch.failed} FAILED" if branch.failed else ""
    out(f"{branch.stage}/{branch.branch}: {tasks}{failed}; {records}; {sizes}; {branch.seconds:.2f} s")
    for line in preview(branch.head, branch.bytes_out):
        out(f"  | {line}")
    for fault in branch.faults:
        _show_fault(fault)
    if branch.problem:
        problem(f"{branch.stage}/{branch.branch}: {branch.problem}")
    for result in branch.checks:
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
    return [_copy(made, folder / "try" / name) for name, made in trial.results]


def _copy(made: Path, place: Path) -> str:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made, place)
    note(f"Wrote {place}")
    return str(place)


def _as_json(branch: "Tried") -> dict[str, Any]:
    fields = {**vars(branch), "head": preview(branch.head, branch.bytes_out)}
    fields["checks"] = [result.model_dump(mode="json") for result in branch.checks]
    return {
        **fields,
        "faults": [{**fault.failure.model_dump(mode="json"), "line": fault.line} for fault in branch.faults],
    }


def _tell_untried(trial: "Trial", found: "list[Tried]") -> None:
    from gristmill.runs.locations import find_branch, frozen

    pipeline = frozen(trial.record)
    for branch in found:
        tolerance = find_branch(pipeline, branch.branch)[1].tolerate if branch.failed else 0
        if tolerance:
            leaves = f"a run leaves out {tolerance} of its tasks at most, and goes on; a trial does not"
            note(f"{branch.branch} tolerates failed tasks: {leaves}.")
    seen = {branch.stage for branch in found}
    untried = [stage.name for stage in pipeline.stages if stage.name not in seen]
    if untried:
        note(f"Not tried, for they come after that: {', '.join(untried)}")
