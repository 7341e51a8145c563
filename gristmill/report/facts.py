"""Gather the facts of a report from S3 and Batch in a bounded number of requests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from gristmill.batch.containers import Container
from gristmill.batch.jobs import describe_jobs
from gristmill.cost.gather import CONTAINERS_ASKED, CostClients, Observation
from gristmill.enums import JobStatus
from gristmill.limits import BATCH_DESCRIBE_MAX
from gristmill.outcome.event import ExecutionEvent
from gristmill.outcome.summary import RunSummary
from gristmill.report.model import Object
from gristmill.runs.findings import Finding
from gristmill.runs.locations import branch_keys
from gristmill.runs.reading import readable
from gristmill.runs.records import Outcome, RunRecord
from gristmill.runs.repository import finding_keys, read_findings, read_outcomes
from gristmill.runs.usage import Footprint, Software, footprints
from gristmill.storage import Storage

FINDINGS = 60  # of a stage, the newest: ten attempts of each of its last resumes
OUTCOMES = 10  # executions, the newest
RESULTS = 500  # listed one by one
_CHECKSUMS = 50  # results asked for S3's own checksum
_DESCRIBED = 4 * BATCH_DESCRIBE_MAX
_READERS = 16

Place = tuple[str, str]  # stage and branch
ContainerId = tuple[str, str, int, int, int]  # stage, branch, attempt, group, index


@dataclass(frozen=True)
class Facts:
    """All that goes into a report."""

    summary: RunSummary
    event: ExecutionEvent
    record: RunRecord | None
    seen: Observation = field(default_factory=Observation)
    input: Object | None = None
    findings: Mapping[str, Sequence[Finding]] = field(default_factory=dict)  # of each stage, oldest first
    outcomes: Sequence[Outcome] = ()  # of earlier executions, oldest first
    footprints: Mapping[ContainerId, Footprint] = field(default_factory=dict)  # of the last try that left one
    software: Mapping[Place, Software] = field(default_factory=dict)
    described: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by job id, those that matter
    results: Sequence[Object] = ()
    left_out: Sequence[str] = ()


def gather(
    store: Storage,
    clients: CostClients,
    summary: RunSummary,
    event: ExecutionEvent,
    record: RunRecord | None,
    seen: Observation,
) -> Facts:
    """Return the facts of a run; one that was refused or never claimed has few."""
    objects = results(store, summary)
    dropped = _input(store, record)
    outcomes = list(earlier_outcomes(store, event))
    if record is None or record.pipeline is None:
        return Facts(summary, event, record, seen, dropped, outcomes=outcomes, results=objects)
    left = _left(store, record)
    found = {
        (*place, footprint.attempt, footprint.group, footprint.child): footprint
        for place, of_branch in left.items()
        for footprint in of_branch
    }
    return Facts(
        summary=summary,
        event=event,
        record=record,
        seen=seen,
        input=dropped,
        findings={stage.name: list(_findings(store, record, stage.name)) for stage in record.pipeline.stages},
        outcomes=outcomes,
        footprints=found,
        software=dict(_software(store, record, left)),
        described={job["jobId"]: job for job in describe_jobs(clients.batch, ids_to_describe(seen.containers, found))},
        results=objects,
        left_out=list(_left_out(seen, summary)),
    )


def _left(store: Storage, record: RunRecord) -> dict[Place, list[Footprint]]:
    """Return the footprints of each branch; one listing after another would add up."""

    def of(place: Place) -> list[Footprint]:
        return list(islice(footprints(store, branch_keys(record, *place)), CONTAINERS_ASKED))

    return dict(zip(places(record), store.together(of, places(record), _READERS), strict=True))


def places(record: RunRecord) -> list[Place]:
    """Return the branches of a run's pipeline, each with its stage."""
    stages = record.pipeline.stages if record.pipeline else []
    return [(stage.name, branch.name) for stage in stages for branch in stage.branches]


def _left_out(seen: Observation, summary: RunSummary) -> Iterator[str]:
    if summary.unpriced:
        yield f"When containers ran, and what the run has cost: {summary.unpriced}."
    if len(seen.containers) >= CONTAINERS_ASKED:
        yield f"Containers beyond the first {CONTAINERS_ASKED:,}, in times and counts."
    if len(summary.results) > RESULTS:
        yield f"The names of {len(summary.results) - RESULTS:,} of {len(summary.results):,} results."


def _input(store: Storage, record: RunRecord | None) -> Object | None:
    if record is None:
        return None
    dropped = record.input
    head = store.head(dropped.key, dropped.version)
    checksum = head.checksum if head else None
    return Object(key=dropped.key, size=dropped.size, etag=dropped.etag, version=dropped.version, checksum=checksum)


def results(store: Storage, summary: RunSummary) -> list[Object]:
    """Return the first results; the first of those with S3's own checksum."""
    shown = summary.results[:RESULTS]
    heads = store.together(lambda result: store.head(result.key), shown[:_CHECKSUMS], _READERS)
    checksums = {head.key: head.checksum for head in heads if head}
    return [
        Object(key=result.key, size=result.size, etag=result.etag, checksum=checksums.get(result.key))
        for result in shown
    ]


def _findings(store: Storage, record: RunRecord, stage: str) -> Iterator[Finding]:
    yield from read_findings(store, finding_keys(store, record, stage)[-FINDINGS:])


def earlier_outcomes(store: Storage, event: ExecutionEvent) -> Iterator[Outcome]:
    """Yield what earlier executions came to, as far as this version can read it."""
    found = read_outcomes(store, event.run)
    earlier = [outcome for outcome in found if outcome.execution != event.execution]
    yield from sorted(earlier, key=lambda outcome: outcome.started_at)[-OUTCOMES:]


def _software(
    store: Storage, record: RunRecord, left: Mapping[Place, Sequence[Footprint]]
) -> Iterator[tuple[Place, Software]]:
    """Yield what the last container of each branch ran on."""
    for place, found in left.items():
        newest = (footprint.key(branch_keys(record, *place)) for footprint in found[-1:])
        yield from ((place, software) for software in readable(store, Software, newest))


def ids_to_describe(containers: Sequence[Container], left: Mapping[ContainerId, Footprint]) -> list[str]:
    """Return the ids of containers worth a closer look: one of each branch, those that failed, and that ran again."""
    one_each = {(container.stage, container.branch): container.job_id for container in containers}
    failed = [container.job_id for container in containers if container.status == JobStatus.FAILED]
    footprints = {container.job_id: left.get(container_id(container)) for container in containers}
    again = [job for job, footprint in footprints.items() if footprint and footprint.job_try > 1]
    return list(dict.fromkeys([*one_each.values(), *again, *failed]))[:_DESCRIBED]


def container_id(container: Container) -> ContainerId:
    """Return what identifies a container within its run."""
    return (container.stage, container.branch, container.attempt, container.group, container.index)
