"""How a command that follows a run ends: what came of it, where the results are, which exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from gristmill import keys
from gristmill.cli.terminal.show import emit, note, out, problem, rich
from gristmill.cli.terminal.tables import coloured, seconds, size, styled
from gristmill.enums import RunStatus
from gristmill.errors import ExitCode, GristmillError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gristmill.cli.terminal.session import Session
    from gristmill.client.outage import Patience
    from gristmill.client.runs.causes import Cause
    from gristmill.client.runs.costs import Cost
    from gristmill.client.runs.find import Run
    from gristmill.client.stack import Stack

_RESULTS_SHOWN = 20  # a branch that makes files has one of each task
_LOCAL_RESULTS = Path("results")  # the embedded AWS forgets; what it made stays here


@contextmanager
def left_going(run: str) -> Iterator[None]:
    """Let Ctrl-C end the watching: the run goes on, and a note says so."""
    try:
        yield
    except KeyboardInterrupt:
        note(f"The run goes on. Follow it with: gristmill watch {run}; end it with: gristmill stop {run}")
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def waiting(here: "Session", run: str) -> "Patience":
    """Return what waits out an outage while a run is watched."""
    return here.patience("the run goes on", f"gristmill watch {run}")


def see_to_end(here: "Session", run: "Run") -> "Run":
    """Show a run until it ends, or Ctrl-C."""
    from gristmill.cli.terminal.live import View
    from gristmill.client.runs.watching import follow

    with left_going(run.run):
        return View().show(follow(here.stack, run, waiting(here, run.run))).run


def tell_end(here: "Session", run: "Run", folder: Path | None, json: bool) -> NoReturn:
    """Print what a run came to, write the results of a complete one to a folder, and exit by how it ended."""
    folder = folder or (_LOCAL_RESULTS if here.target.local else None)
    patience = here.patience(f"the run has ended {run.status}", f"gristmill watch {run.run}")
    end = patience.call(lambda: _gather(here.stack, run, folder))
    _emit(run, end) if json else _print(run, end)
    if end.unwritten:
        again = f"Get them: gristmill results {run.run} --download FOLDER"
        problem(f"the run has ended {run.status}, but not all of it could be written here: {end.unwritten}", again)
        raise typer.Exit(ExitCode.FAILED)
    raise typer.Exit(exit_code(run))


@dataclass(frozen=True)
class _End:
    """What is printed of a run that has ended: its results with their files here, its time and its cost."""

    bucket: str
    results: list[dict[str, Any]]
    cause: "Cause | None"
    report: str | None
    cost: "Cost"
    took: float
    warnings: "Sequence[str]"
    items: str = ""  # of a batch: how many came to what
    unwritten: str = ""  # why results or report did not come here


def _gather(stack: "Stack", run: "Run", folder: Path | None) -> _End:
    from gristmill.client.outage import outage_of
    from gristmill.client.runs.causes import causes
    from gristmill.client.runs.costs import cost_of
    from gristmill.client.runs.times import times_of
    from gristmill.outcome.batch import BatchSummary

    unwritten = ""
    try:
        results, report = _results(stack, run, folder), _report(stack, run, folder)
    except (OSError, GristmillError) as error:
        if outage_of(error):
            raise
        unwritten = _why(error, folder)
        results, report = _results(stack, run, None), _report(stack, run, None)
    cause = None if run.status is RunStatus.SUCCEEDED else causes(stack, run)
    (times,) = times_of(stack, [run], datetime.now(UTC))
    items = BatchSummary.read(stack.store, run.run, run.record.items).counts if run.record and run.record.items else ""
    return _End(
        stack.store.bucket,
        results,
        cause,
        report,
        cost_of(stack, run.run),
        times.took,
        times.warnings,
        items,
        unwritten,
    )


def _why(error: OSError | GristmillError, folder: Path | None) -> str:
    if isinstance(error, GristmillError):
        return str(error)
    return f"{error.filename or folder}: {error.strerror or error}"


def _results(stack: "Stack", run: "Run", folder: Path | None) -> list[dict[str, Any]]:
    """Return the results; those of a complete or PARTIAL run are downloaded first, if a folder is given."""
    from gristmill.client.runs.results import download, results

    if run.status in (RunStatus.SUCCEEDED, RunStatus.PARTIAL) and folder is not None:
        return [{"key": item.key, "size": item.size, "file": place} for item, place in download(stack, run, folder)]
    return [{"key": item.key, "size": item.size, "file": None} for item in results(stack, run)]


def _report(stack: "Stack", run: "Run", folder: Path | None) -> str | None:
    """Return where the report is: in the folder, if one is given; None where there is none (yet)."""
    from gristmill.client.runs.reports import fetch, find

    place = find(stack, run)
    return _short(fetch(stack, run, folder)[0]) if place and folder else place


def _emit(run: "Run", end: _End) -> None:
    facts = {"run": run.run, "status": run.status, "bucket": end.bucket, "results": end.results, "cause": end.cause}
    emit(
        {**facts, "warnings": end.warnings, "cost": end.cost.bill, "estimate": end.cost.estimate, "report": end.report}
    )


def _print(run: "Run", end: _End) -> None:
    from gristmill.cli.terminal.cause import show_cause

    status = coloured(run.status, len(end.warnings), "bold")
    rich(styled(status, f" {run.title} in {seconds(end.took)}, run {run.run}"))
    for warning in end.warnings:
        out(f"  Warning: {warning}")
    if end.items:
        out(f"  Items: {end.items}; see: gristmill compare {run.run}")
    _places(run, end.bucket, end.results)
    if end.cost.bill:
        out(f"  Cost: {end.cost.line}")
    if end.report:
        out(f"  Report: {end.report}")
    if end.cause:
        show_cause(run, end.cause)


def _places(run: "Run", bucket: str, listed: list[dict[str, Any]]) -> None:
    """Print where the results are: their prefix in the bucket, and each once, as a file where it is one here."""
    if not listed:
        return
    prefix = keys.results_prefix(run.dropped.pipeline, run.dropped.name, run.run)
    out(f"  Results: s3://{bucket}/{prefix}")
    for item in listed[:_RESULTS_SHOWN]:
        place = _short(item["file"]) if item["file"] else item["key"].removeprefix(prefix)
        out(f"    {place} ({size(item['size'])})")
    if len(listed) > _RESULTS_SHOWN:
        out(f"    and {len(listed) - _RESULTS_SHOWN:,} more; see: gristmill results {run.run}")


def _short(path: Path) -> str:
    here = Path.cwd()
    return f"./{path.relative_to(here)}" if path.is_relative_to(here) else str(path)


def exit_code(run: "Run") -> ExitCode:
    """Return the exit code of a command that saw a run end."""
    if run.status is RunStatus.SUCCEEDED:
        return ExitCode.OK
    if run.record and run.record.faults:
        return ExitCode.REFUSED
    if run.status is RunStatus.PARTIAL:
        return ExitCode.PARTIAL
    return ExitCode.STOPPED if run.status is RunStatus.ABORTED else ExitCode.FAILED
