"""Stages and branches in a report. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from gristmill.limits import MIB
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage
from gristmill.report.children import ObservedContainer, shown
from gristmill.report.facts import Facts, container_id
from gristmill.report.timeline import from_unix
from gristmill.report.work import Attempt, BranchReport, Spread, StageReport, spread
from gristmill.runs.cursor import nth_attempt
from gristmill.runs.findings import BranchFinding, Counts, Finding
from gristmill.runs.locations import frozen
from gristmill.runs.records import NO_IMAGE

_NOTHING = Counts(tasks=0, done=0, records_in=0, records_out=0, bytes_in=0, bytes_out=0)


def stages(facts: Facts, execution_of: Callable[[int], int]) -> list[StageReport]:
    """Return the stages; `execution_of` gives the execution that an attempt belongs to."""
    record = facts.record
    if record is None or record.pipeline is None:
        return []
    reads = {stage.name: stage.reads for stage in frozen(record).stages}
    return [
        _stage(facts, stage, execution_of).model_copy(
            update={"input": reads.get(stage.name), "skipped": record.skipped.get(stage.name, "")}
        )
        for stage in record.pipeline.stages
    ]


def _stage(facts: Facts, stage: Stage, execution_of: Callable[[int], int]) -> StageReport:
    found = facts.findings.get(stage.name, ())
    return StageReport(
        name=stage.name,
        input=stage.reads,
        records=stage.split.records,
        branches=[_branch(facts, stage.name, branch, execution_of) for branch in stage.branches],
        warnings=list(found[-1].warnings) if found else [],
    )


def observed_containers(facts: Facts, stage: str, branch: str) -> list[ObservedContainer]:
    """Return the containers of a branch by attempt, group and index."""
    own = [found for found in facts.seen.containers if (found.stage, found.branch) == (stage, branch)]
    return [
        ObservedContainer(found, facts.footprints.get(container_id(found)), facts.described.get(found.job_id, {}))
        for found in sorted(own, key=lambda container: (container.attempt, container.group, container.index))
    ]


def _branch(facts: Facts, stage: str, branch: Branch, execution_of: Callable[[int], int]) -> BranchReport:
    seen = observed_containers(facts, stage, branch.name)
    findings = facts.findings.get(stage, ())
    last = _own(findings[-1], branch.name) if findings else None
    counted = last or _NOTHING
    kind, job = _job(branch)
    definition = next((observed.described for observed in reversed(seen) if observed.described), {})
    began = min((observed.container.created for observed in seen), default=None)
    ended = max((observed.container.stopped for observed in seen if observed.container.stopped), default=None)
    return BranchReport(
        name=branch.name,
        job=job,
        kind=kind,
        compute=branch.compute,
        vcpus=branch.vcpus,
        memory=memory_of(branch, [observed.described for observed in seen]) * MIB,
        tasks=counted.tasks,
        done=counted.done,
        records_in=counted.records_in,
        records_out=counted.records_out,
        bytes_in=counted.bytes_in,
        bytes_out=counted.bytes_out,
        left_out=last.left_out if last else 0,
        reused=last.reused if last and not last.missing else "",
        saved=last.saved if last and not last.missing else 0,
        output=last.output if last else None,
        job_definition=definition.get("jobDefinition"),
        image=_image(definition),
        software=facts.software.get((stage, branch.name)),
        began=from_unix(began) if began else None,
        ended=from_unix(ended) if ended else None,
        bytes_per_second=_rate(seen, "bytes_in"),
        records_per_second=_rate(seen, "records_in"),
        children=len(seen),
        children_by_status=dict(Counter(observed.container.status for observed in seen)),
        retried_by_batch=sum(observed.ran_again for observed in seen),
        **_spreads(seen),
        cpu_share=_cpu_share(seen, branch.vcpus),
        attempts=list(_attempts(findings, branch.name, seen, execution_of)),
        children_shown=shown(seen),
        problem=last.problem if last else None,
    )


def _job(branch: Branch) -> tuple[Literal["run", "command", "script", "mpi"], str]:
    if branch.run is not None:
        return "run", branch.run
    if branch.command is not None:
        return "command", " ".join(branch.command)
    if branch.script is not None:
        return "script", branch.script
    return "mpi", branch.mpi if isinstance(branch.mpi, str) else " ".join(branch.mpi or ())


def memory_of(branch: Branch, described: Sequence[Mapping[str, Any]]) -> int:
    """Return the most MiB that a container of a branch had, by its jobs; its first step where none is known. Pure."""
    needs = [need for job in described for need in _container(job).get("resourceRequirements", [])]
    return max((int(need["value"]) for need in needs if need["type"] == "MEMORY"), default=branch.memories[0])


def _container(described: Mapping[str, Any]) -> Mapping[str, Any]:
    nodes = described.get("nodeProperties", {}).get("nodeRangeProperties") or [{}]
    return described.get("container") or nodes[0].get("container") or {}


def _image(described: Mapping[str, Any]) -> str | None:
    container = _container(described)
    image = container.get("image")
    return str(image) if image and image != NO_IMAGE else None


def _own(finding: Finding, branch: str) -> BranchFinding | None:
    return finding.of_branch(branch)


def _rate(seen: Sequence[ObservedContainer], what: str) -> float | None:
    """Return what the containers have read a second while any of them ran."""
    counted = [
        observed
        for observed in seen
        if observed.footprint and observed.container.started and observed.container.stopped
    ]
    if not counted:
        return None
    total = sum(getattr(observed.footprint, what) for observed in counted)
    busy = union([(observed.container.started or 0, observed.container.stopped or 0) for observed in counted])
    return total / busy if busy else None


def union(spans: Sequence[tuple[float, float]]) -> float:
    """Return how much time spans cover, each moment counted once."""
    covered, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered


def _spreads(seen: Sequence[ObservedContainer]) -> dict[str, Spread | None]:
    ran = [observed.times for observed in seen if observed.container.started]
    ended = [times for times in ran if times.stopped]
    left = [observed.footprint for observed in seen if observed.footprint]
    return {
        "queued": spread([max(0.0, (times.started or 0) - times.queued) for times in ran]),
        "starting": spread([times.began - times.started for times in ran if times.began and times.started]),
        "running": spread([max(0.0, (times.stopped or 0) - (times.began or times.started or 0)) for times in ended]),
        "peak_memory": spread([footprint.peak * 1024 for footprint in left]),
        "cpu_seconds": spread([footprint.cpu / 1000 for footprint in left]),
    }


def _cpu_share(seen: Sequence[ObservedContainer], vcpus: float) -> float | None:
    """Return processor time by what the containers' vCPUs could have given while their programs ran."""
    left = [observed.footprint for observed in seen if observed.footprint]
    possible = sum(footprint.ended - footprint.began for footprint in left) * vcpus
    return sum(footprint.cpu for footprint in left) / possible if possible else None


def _attempts(
    findings: Sequence[Finding], branch: str, seen: Sequence[ObservedContainer], execution_of: Callable[[int], int]
) -> Iterator[Attempt]:
    for finding in findings:
        own = _own(finding, branch)
        if own is None:
            continue
        here = [observed for observed in seen if observed.container.attempt == finding.attempt]
        yield Attempt(
            number=finding.attempt,
            nth=nth_attempt(finding.attempt),
            execution=execution_of(finding.attempt),
            verdict=finding.verdict,
            reason=finding.reason,
            done=own.done,
            missing=own.missing,
            left_out=own.left_out,
            children=len(here),
            children_failed=sum(observed.is_failed for observed in here),
            failures=list(own.failures),
        )
