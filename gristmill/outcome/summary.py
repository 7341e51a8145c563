"""Summarize a run once, for its notice, its outcome and its report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pydantic import JsonValue

from gristmill import keys
from gristmill.clock import REAL, Clock
from gristmill.cost.gather import CostClients, Observation, measure, observe
from gristmill.enums import FigureVerdict, RunStatus
from gristmill.errors import Corrupt
from gristmill.outcome.batch import BatchSummary
from gristmill.outcome.event import ExecutionEvent
from gristmill.pipeline.parameters import owner
from gristmill.runs.chained import Ancestor, Chained
from gristmill.runs.checks import CheckResult
from gristmill.runs.code import Code
from gristmill.runs.drop import Drop
from gristmill.runs.findings import Finding
from gristmill.runs.note import read_given
from gristmill.runs.records import Bill, LeftOut, RunRecord
from gristmill.runs.repository import find_estimate, find_newest_finding
from gristmill.runs.result_files import of_generation
from gristmill.storage import ObjectInfo, Storage
from gristmill.timebox import NoAnswer

_OBSERVED_SECONDS = 30.0  # 100,000 containers are listed in less


@dataclass(frozen=True)
class RunSummary:
    """A run as one of its executions leaves it."""

    status: RunStatus
    run: str
    pipeline: str
    name: str
    owner: str
    input_size: int
    bucket: str
    started_at: datetime
    ended_at: datetime
    reason: str
    findings: Sequence[Finding]  # the last one of each stage
    results: Sequence[ObjectInfo]  # without the report
    resumes: int = 0
    generation: int = 0  # grew by one with each resume with changes
    cost: Bill | None = None  # of this execution
    spent: Bill | None = None  # of all of the run's executions
    estimate: float | None = None  # dollars
    code: Code | None = None
    images: Sequence[str] = ()  # of its jobs
    inputs: Mapping[str, str] = field(default_factory=dict)  # keys of its files beside the one that is cut
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    batch: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    unpriced: str = ""  # why there is no cost
    faults: Sequence[str] = ()  # why the drop was refused
    skipped: Mapping[str, str] = field(default_factory=dict)  # stages that were left out, and why
    report: str = ""  # key of report.html
    unreported: str = ""  # why there is no report
    items: BatchSummary | None = None  # of a batch
    left_out: str = ""  # how many tasks of how many; empty where none was
    origin: Sequence[Ancestor] = ()  # the runs that led to it, oldest first
    then: Sequence[Chained] = ()  # what it has started

    @property
    def title(self) -> str:
        """Return pipeline and file name in one."""
        return f"{self.pipeline}/{self.name}" if self.pipeline else self.name

    @property
    def checks(self) -> list[CheckResult]:
        """Return what was found of figures."""
        return [result for finding in self.findings for branch in finding.branches for result in branch.checks]

    @property
    def doubts(self) -> list[str]:
        """Return a line for each figure that is out of its bounds, though the run goes on."""
        return [result.headline for result in self.checks if result.verdict is FigureVerdict.WARNED]

    @property
    def warnings(self) -> list[str]:
        """Return the doubts, and a line for each run that was not started."""
        return self.doubts + [chained.headline for chained in self.then if chained.why_not]

    @property
    def is_final(self) -> bool:
        """Return whether outputs are there and wrong, so that a resume is in vain."""
        return any(branch.is_final for finding in self.findings for branch in finding.branches)

    @property
    def took(self) -> timedelta:
        """Return how long the execution took."""
        return self.ended_at - self.started_at


def make_summary(store: Storage, event: ExecutionEvent, record: RunRecord | None, now: datetime) -> RunSummary:
    """Gather the summary of a run; little is known of one without a record, for Split failed before its claim."""
    dropped, size, whose = _dropped(store, event, record)
    return RunSummary(
        status=event.status,
        run=event.run,
        pipeline=dropped.pipeline,
        name=dropped.name,
        owner=whose,
        input_size=size,
        bucket=store.bucket,
        started_at=event.started_at,
        ended_at=now,
        reason="" if event.status is RunStatus.SUCCEEDED else event.reason,
        findings=findings(store, record) if record else [],
        results=list(results(store, dropped, event.run, record)),
        estimate=expected(store, event.run),
        faults=record.faults if record else [],
        skipped=record.skipped if record else {},
        resumes=record.resumes if record else 0,
        code=record.code if record else None,
        images=record.image_names if record else (),
        inputs={name: given.key for name, given in record.inputs.items()} if record else {},
        parameters=record.parameters if record else {},
        batch=(record.batch or "") if record else "",
        tags=record.tags if record else {},
        items=BatchSummary.read(store, record.run, record.items) if record and record.items else None,
        left_out=LeftOut.total(record.left_out.values()) if record and record.left_out else "",
        generation=record.generation if record else 0,
        origin=record.origin if record else (),
    )


def with_cost(
    summary: RunSummary, clients: CostClients, record: RunRecord, execution: str, clock: Clock = REAL
) -> tuple[RunSummary, Observation]:
    """Return the summary of an execution that ends with its cost, and what was observed of it.

    Where AWS does not answer in time, the summary says so: a notice does not wait for its price.
    """
    try:
        seen = clock.call_with_timeout(_OBSERVED_SECONDS, lambda: observe(clients, record, execution))
    except NoAnswer as error:
        return replace(summary, unpriced=f"AWS does not answer what the run did ({error})"), Observation()
    return replace(summary, cost=measure(seen, record, summary.findings, summary.ended_at)), seen


def _dropped(store: Storage, event: ExecutionEvent, record: RunRecord | None) -> tuple[keys.Dropped, int, str]:
    """Return what was dropped, the size of the file that is cut into tasks, and the owner."""
    if record:
        return record.dropped, record.input.size, record.owner
    drop = event.request
    if not isinstance(drop, Drop):
        raise Corrupt(f"run {event.run} is to be resumed, but has no record.")
    given = read_given(store, drop)
    size = given.source.size if given.source else drop.size
    return keys.parse_input(drop.key), size, owner(given.metadata, drop.requester)


def results(store: Storage, dropped: keys.Dropped, run: str, record: RunRecord | None) -> list[ObjectInfo]:
    """Return the results of a run; its report is none of them, nor what only a former generation of it has made."""
    own = {keys.report(dropped.pipeline, dropped.name, run, kind) for kind in ("html", "json")}
    prefix = keys.results_prefix(dropped.pipeline, dropped.name, run)
    found = [result for result in store.list(prefix) if result.key not in own]
    if record is None or not record.generation:
        return found
    return of_generation(store, record, found)


def expected(store: Storage, run: str) -> float | None:
    """Return the dollars that the run was expected to cost, None where it was refused before that was known."""
    bill = find_estimate(store, run)
    return bill.total if bill else None


def findings(store: Storage, record: RunRecord) -> list[Finding]:
    """Return the last finding of each stage that was checked."""
    stages = record.pipeline.stages if record.pipeline else []
    return [finding for stage in stages if (finding := find_newest_finding(store, record, stage.name))]
