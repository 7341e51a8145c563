"""How a command that follows a run ends: what came of it, where the results are, which exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from gristmill import keys
from gristmill.cli.show import COLOURS, emit, note, out, rich, seconds, size, styled
from gristmill.errors import ExitCode
from gristmill.words import RunStatus

if TYPE_CHECKING:
    from gristmill.cli.session import Session
    from gristmill.client.causes import Cause
    from gristmill.client.runs import Run
    from gristmill.client.stack import Mill

_RESULTS_SHOWN = 20  # a branch that makes files has one of each task
_LOCAL_RESULTS = Path("results")  # the embedded AWS forgets; what it made stays here


@contextmanager
def left_going(run: str) -> Iterator[None]:
    """Let Ctrl-C end the watching: the run goes on, and its user is told so."""
    try:
        yield
    except KeyboardInterrupt:
        note(f"The run goes on. Follow it with: gristmill watch {run}; end it with: gristmill stop {run}")
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def see_to_end(mill: "Mill", run: "Run") -> "Run":
    """Show a run until it ends, or Ctrl-C."""
    from gristmill.cli.live import View
    from gristmill.client.watching import follow

    with left_going(run.run):
        return View().show(follow(mill, run)).run


def tell_end(here: "Session", run: "Run", folder: Path | None, json: bool) -> NoReturn:
    """Tell what a run came to, write the results of a complete one to a folder, and exit by how it ended."""
    from gristmill.client.causes import causes

    folder = folder or (_LOCAL_RESULTS if here.target.local else None)
    told = _results(here.mill, run, folder)
    cause = None if run.status is RunStatus.SUCCEEDED else causes(here.mill, run)
    (_emit if json else _print)(here.mill, run, told, cause, _report(here.mill, run, folder))
    raise typer.Exit(exit_code(run))


def _results(mill: "Mill", run: "Run", folder: Path | None) -> list[dict[str, Any]]:
    """Return the results; those of a complete run are downloaded first, if a folder is given."""
    from gristmill.client.results import download, results

    if run.status is RunStatus.SUCCEEDED and folder is not None:
        return [{"key": one.key, "size": one.size, "file": place} for one, place in download(mill, run, folder)]
    return [{"key": one.key, "size": one.size, "file": None} for one in results(mill, run)]


def _report(mill: "Mill", run: "Run", folder: Path | None) -> str | None:
    """Return where the report is: in the folder, if one is given; None where there is none (yet)."""
    from gristmill.client.reports import fetch, find

    place = find(mill, run)
    return _short(fetch(mill, run, folder)[0]) if place and folder else place


def _emit(mill: "Mill", run: "Run", told: list[dict[str, Any]], cause: "Cause | None", report: str | None) -> None:
    from gristmill.client.costs import cost_of

    cost = cost_of(mill, run.run)
    facts = {"run": run.run, "status": run.status, "bucket": mill.store.bucket}
    emit({**facts, "results": told, "cause": cause, "cost": cost.bill, "estimate": cost.estimate, "report": report})


def _print(mill: "Mill", run: "Run", told: list[dict[str, Any]], cause: "Cause | None", report: str | None) -> None:
    from gristmill.cli.cause import show_cause
    from gristmill.client.costs import cost_of

    cost = cost_of(mill, run.run)
    _headline(mill, run)
    _places(run, mill.store.bucket, told)
    if cost.bill:
        out(f"  Cost: {cost.line}")
    if report:
        out(f"  Report: {report}")
    if cause:
        show_cause(run, cause)


def _headline(mill: "Mill", run: "Run") -> None:
    from gristmill.client.times import times_of

    (times,) = times_of(mill, [run], datetime.now(UTC))
    took = seconds(times.took)
    rich(styled((run.status, f"bold {COLOURS[run.status]}"), f" {run.title} in {took}, run {run.run}"))


def _places(run: "Run", bucket: str, told: list[dict[str, Any]]) -> None:
    """Print where the results are: their prefix in the bucket, and each once, as a file where it is one here."""
    if not told:
        return
    prefix = keys.results_prefix(run.dropped.pipeline, run.dropped.name, run.run)
    out(f"  Results: s3://{bucket}/{prefix}")
    for one in told[:_RESULTS_SHOWN]:
        place = _short(one["file"]) if one["file"] else one["key"].removeprefix(prefix)
        out(f"    {place} ({size(one['size'])})")
    if len(told) > _RESULTS_SHOWN:
        out(f"    and {len(told) - _RESULTS_SHOWN:,} more; see: gristmill results {run.run}")


def _short(path: Path) -> str:
    here = Path.cwd()
    return f"./{path.relative_to(here)}" if path.is_relative_to(here) else str(path)


def exit_code(run: "Run") -> ExitCode:
    """Return the exit code of a command that saw a run end."""
    if run.status is RunStatus.SUCCEEDED:
        return ExitCode.OK
    if run.record and run.record.faults:
        return ExitCode.REFUSED
    return ExitCode.STOPPED if run.status is RunStatus.ABORTED else ExitCode.FAILED
