"""Make a report of facts. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from gristmill.batches.ends import ItemEnd
from gristmill.limits import ATTEMPTS_MAX
from gristmill.pipeline.model import Pipeline
from gristmill.report.branches import observed_containers, stages
from gristmill.report.facts import Facts, places
from gristmill.report.model import BranchTimeline, CheckReport, Execution, ItemReport, Object, Picture, Report, Table
from gristmill.report.timeline import bins, steps
from gristmill.runs.checks import CheckResult
from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.usage import software


def make(
    facts: Facts, pictures: Sequence[Picture], left_out: Sequence[str] = (), tables: Sequence[Table] = ()
) -> Report:
    """Return the report of a run's end."""
    summary, record = facts.summary, facts.record
    pipeline = record.pipeline if record else None
    all_executions = executions(facts)
    dropped = facts.input or Object(key=f"{summary.title}", size=summary.input_size, etag="")
    return Report(
        made=summary.ended_at,
        made_by=software(),
        bucket=summary.bucket,
        run=summary.run,
        pipeline=summary.pipeline,
        name=summary.name,
        owner=summary.owner,
        description=pipeline.description if pipeline else "",
        status=summary.status,
        reason=summary.reason,
        faults=list(summary.faults),
        generation=summary.generation,
        parameters=record.parameters if record else {},
        code=summary.code,
        input=dropped,
        inputs={name: _object(version) for name, version in record.inputs.items()} if record else {},
        started=min(execution.started for execution in all_executions),
        ended=summary.ended_at,
        executions=all_executions,
        stages=stages(facts, lambda attempt: _execution_of(attempt, len(all_executions))),
        checks=list(checks(pipeline, summary.checks)) if pipeline else [],
        warnings=summary.warnings,
        results=list(facts.results),
        results_count=len(summary.results),
        results_size=sum(result.size for result in summary.results),
        pictures=list(pictures),
        tables=list(tables),
        items_count=summary.items.total if summary.items else None,
        items=[_item(end) for end in summary.items.ends] if summary.items else [],
        cost=summary.spent,
        estimate=summary.estimate,
        origin=list(summary.origin),
        then=list(summary.then),
        left_out=[*facts.left_out, *left_out],
    )


def _object(version: ObjectVersion) -> Object:
    return Object(key=version.key, size=version.size, etag=version.etag, version=version.version)


def _item(end: ItemEnd) -> ItemReport:
    return ItemReport(
        item=end.item,
        name=end.name,
        run=end.run,
        status=end.status,
        reason=end.reason,
        started=end.started_at,
        ended=end.ended_at,
        cost=end.cost,
        figures=end.figures,
    )


def checks(pipeline: Pipeline, found: Sequence[CheckResult]) -> Iterator[CheckReport]:
    """Yield the checks of a pipeline in its own order, each with what was found of it."""
    stage_of = {made.name: stage.name for stage in pipeline.stages for made in stage.made}
    for check in pipeline.checks:
        result = next((result for result in found if result.check == check), None)
        yield CheckReport(
            stage=stage_of[check.of],
            check=check,
            value=result.value if result else None,
            verdict=result.verdict if result else None,
            problem=result.problem if result else "",
        )


def _execution_of(attempt: int, count: int) -> int:
    """Return the place of an attempt's execution among those that are known: every resume is one more."""
    return min(attempt // ATTEMPTS_MAX, count - 1)


def executions(facts: Facts) -> list[Execution]:
    """Return the executions, oldest first; the states of the last one alone are known."""
    summary = facts.summary
    earlier = [
        Execution(
            name=outcome.execution.rpartition(":")[2],
            status=outcome.status,
            reason=outcome.reason,
            started=outcome.started_at,
            ended=outcome.ended_at,
            steps=[],
            lanes=list(_timelines(facts, outcome.started_at, outcome.ended_at)),
        )
        for outcome in facts.outcomes
    ]
    last = Execution(
        name=facts.event.execution.rpartition(":")[2],
        status=summary.status,
        reason=summary.reason,
        started=summary.started_at,
        ended=summary.ended_at,
        steps=steps(facts.seen.history, summary.ended_at),
        lanes=list(_timelines(facts, summary.started_at, summary.ended_at)),
    )
    return [*earlier, last]


def _timelines(facts: Facts, started: datetime, ended: datetime) -> Iterator[BranchTimeline]:
    """Yield the branches that had containers in an execution's time."""
    start, end = started.timestamp(), ended.timestamp()
    for stage, branch in places(facts.record) if facts.record else []:
        seen = observed_containers(facts, stage, branch)
        times = [observed.times for observed in seen if start <= observed.container.created < end]
        if times:
            yield BranchTimeline(stage=stage, branch=branch, bins=bins(times, start, end))
