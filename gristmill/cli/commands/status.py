"""`gristmill status` and `watch`: what stands of a run."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from gristmill.cli.terminal.ending import see_to_end, tell_end
from gristmill.cli.terminal.options import Json, MaybeRunId, Results
from gristmill.cli.terminal.session import session
from gristmill.cli.terminal.show import emit, note, out, rich
from gristmill.cli.terminal.tables import coloured, moment, named, seconds, size, styled, table
from gristmill.enums import FigureVerdict, RunStatus
from gristmill.humanize import often

if TYPE_CHECKING:
    from gristmill.client.runs.causes import Cause
    from gristmill.client.runs.find import Run
    from gristmill.client.runs.snapshot import BranchLook, Look, StageLook
    from gristmill.client.runs.times import Times


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (status, watch):
        app.command()(command)


def _as_json(run: "Run", times: "Times") -> dict[str, Any]:
    record = run.record
    return {
        "run": run.run,
        "kind": record.kind if record else None,
        "status": run.status,
        "pipeline": run.dropped.pipeline,
        "name": run.dropped.name,
        "owner": record.owner if record else None,
        "size": record.input.size if record else None,
        "inputs": record.inputs if record else None,
        "parameters": record.parameters if record else None,
        "code": record.code if record else None,
        "images": record.images if record else {},
        "tags": record.tags if record else {},
        "batch": record.batch if record else None,
        "origin": record.origin if record else [],
        "then": times.then,
        "resumes": record.resumes if record else 0,
        "generation": record.generation if record else 0,
        "started": times.first,
        "last_started": times.last,
        "ended": times.ended,
        "took": times.took,
        "worked": times.worked,
        "warnings": times.warnings,
        "execution": run.execution.arn,
        "lack": run.lack or None,
    }


def status(context: typer.Context, run: MaybeRunId = None, json: Json = False) -> None:
    """Show how far a run is, and why.

    Stages, branches, tasks and children; what it waits for; what failed, with its log; the command that goes on.
    """
    from gristmill.client.runs.causes import causes
    from gristmill.client.runs.costs import cost_of
    from gristmill.client.runs.progress import look
    from gristmill.client.runs.reports import find
    from gristmill.client.runs.times import times_of

    stack = session(context).stack
    found = session(context).run(run)
    seen = look(stack, found)
    cause = None if found.status is RunStatus.SUCCEEDED else causes(stack, found)
    cost = cost_of(stack, found.run)
    report = find(stack, found)
    (times,) = times_of(stack, [found], datetime.now(UTC))
    if json:
        facts = {
            "skipped": found.record.skipped if found.record else {},
            "cost": cost.bill,
            "estimate": cost.estimate,
            "report": report,
            "items": seen.items,
        }
        emit({**_as_json(found, times), "phase": seen.phase, "stages": seen.stages, "cause": cause, **facts})
        return
    _show(seen, times, cause, {"Cost": cost.line, "Report": report or ""})


def _show(seen: "Look", times: "Times", cause: "Cause | None", more: dict[str, str]) -> None:
    from gristmill.cli.terminal.cause import show_cause
    from gristmill.outcome.reused import reused

    run = seen.run
    rich(styled(coloured(run.status, len(times.warnings)), f" {run.title}" + (f", {seen.phase}" if seen.phase else "")))
    for name, value in [
        *_facts(run, times),
        *_items(seen, times),
        *((name, value) for name, value in more.items() if value),
    ]:
        out(f"  {name:<11} {value}")
    if seen.stages:
        out()
        columns = ("STAGE", "BRANCH", "TASKS", "DONE", "FAILED", "ATTEMPT", "CHILDREN")
        rows = (_branch_row(stage, branch) for stage in seen.stages for branch in stage.branches)
        rich(table(columns, rows, right=("TASKS", "DONE", "FAILED", "ATTEMPT")))
    for lines in (reused(stage.finding for stage in seen.stages if stage.finding), _checks(seen, times)):
        for line in ["", *lines] if lines else []:
            out(line)
    for stage in seen.stages:
        for remark in stage.finding.warnings if stage.finding else ():
            out()
            out(f"{stage.stage}, a note: {remark}")
        for branch in stage.branches:
            for reason in branch.waits if run.going else ():
                out()
                out(f"{stage.stage}/{branch.branch} waits: {reason}")
    if cause:
        show_cause(run, cause)


def _items(seen: "Look", times: "Times") -> list[tuple[str, str]]:
    """Return how a batch stands, and how long the rest is expected to take."""
    if seen.items is None:
        return []
    left = seen.items.left(times.took) if seen.run.going else None
    return [("Items", seen.items.words), *([("Left", f"about {seconds(left)}")] if left is not None else [])]


def _checks(seen: "Look", times: "Times") -> list[str]:
    """Return a line for each figure that was checked; of a run whose record has expired, its warnings alone."""
    branches = [branch for stage in seen.stages if stage.finding for branch in stage.finding.branches]
    found = [f"{result.verdict:<6} {result.headline}" for branch in branches for result in branch.checks]
    return found if seen.stages else [f"{FigureVerdict.WARNED} {warning}" for warning in times.warnings]


def _facts(run: "Run", times: "Times") -> list[tuple[str, str]]:
    from gristmill.client.uncontained import uncontained_of
    from gristmill.pipeline.lists import as_given

    facts = [("Run", run.run), ("Note", run.lack)]
    if run.record:
        facts += [("Owner", run.record.owner), ("Input", size(run.record.input.size))]
        given = (f"{name}={version.key} ({size(version.size)})" for name, version in run.record.inputs.items())
        facts += [("Beside it", ", ".join(given))]
        facts += [("Code", run.record.code.headline)] if run.record.code else []
        facts += [("Image", ", ".join(run.record.image_names))]
        facts += [("Warning", warning) for warning in uncontained_of(run.record)]
        facts += [("Batch", run.record.batch or ""), ("Tags", named(run.record.tags))]
        facts += [("Started by", " -> ".join(map(str, run.record.origin)))]
        facts += [("Parameters", named({name: as_given(value) for name, value in run.record.parameters.items()}))]
        facts += [("Left out", f"stage {stage}: {reason}") for stage, reason in run.record.skipped.items()]
    generation = run.record.generation if run.record else 0
    facts += [("Generation", f"{generation}, its pipeline was changed")] if generation else []
    facts += [("Started", moment(times.first))]
    resumes = run.record.resumes if run.record else 0
    facts += [("Resumed", f"{often(resumes)}, last {moment(times.last)}")] if resumes else []
    facts += [("Ended", moment(times.ended) if times.ended else ""), ("Took", took(times))]
    facts += [("Then", chained.headline.removeprefix("then: ")) for chained in times.then]
    return [(name, value) for name, value in facts if value]


def took(times: "Times") -> str:
    """Return how long the last execution took, and all of them where there were several."""
    more = f", all {times.executions} executions {seconds(times.worked)}" if times.executions > 1 else ""
    return f"{seconds(times.took)}{more}"


def _branch_row(stage: "StageLook", branch: "BranchLook") -> tuple[str, ...]:
    from gristmill.cli.terminal.live import children

    if branch.tasks is None:
        return stage.stage, branch.branch, "?", "0", "0", "", "not begun"
    containers = children(branch).removeprefix("children: ")
    return (
        stage.stage,
        branch.branch,
        f"{branch.tasks:,}",
        f"{branch.done:,}",
        f"{branch.failed:,}",
        str(stage.attempt),
        containers,
    )


def watch(
    context: typer.Context,
    run: MaybeRunId = None,
    results: Results = None,
    json: Json = False,
) -> None:
    """Show a run until it ends.

    Ctrl-C stops the watching, not the run.
    """
    here = session(context)
    found = here.run(run)
    if not found.going:
        note(f"Run {found.run} has ended.")
    ended = see_to_end(here, found)
    tell_end(here, ended, results, json)
