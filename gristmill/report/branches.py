"""Stages and branches in a report. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from gristmill.limits import MIB
from gristmill.pipeline.model import Branch, Stage
from gristmill.report.children import ObservedContainer, shown
from gristmill.report.facts import Facts, container_id
from gristmill.report.timeline import from_unix
from gristmill.report.work import Attempt, BranchReport, Spread, StageReport, spread
from gristmill.runs.cursor import nth_attempt
from gristmill.runs.records import BranchFinding, Counts, Finding

_NOTHING = Counts(tasks=0, done=0, records_in=0, records_out=0, bytes_in=0, bytes_out=0)


def stages(facts: Facts, execution_of: Callable[[int], int]) -> list[StageReport]:
    """Return the stages; `execution_of` tells which execution an attempt belongs to."""
    record = facts.record
    if record is None or record.pipeline is None:
        return []
    return [_stage(facts, one, execution_of) for one in record.pipeline.stages]


def _stage(facts: Facts, stage: Stage, execution_of: Callable[[int], int]) -> StageReport:
    found = facts.findings.get(stage.name, ())
    return StageReport(
        name=stage.name,
        input=stage.input,
        records=stage.split.records,
        branches=[_branch(facts, stage.name, one, execution_of) for one in stage.branches],
        warnings=list(found[-1].warnings) if found else [],
    )


def observed_containers(facts: Facts, stage: str, branch: str) -> list[ObservedContainer]:
    """Return the containers of a branch by attempt, group and index."""
    own = [one for one in facts.seen.containers if (one.stage, one.branch) == (stage, branch)]
    return [
        ObservedContainer(one, facts.footprints.get(container_id(one)), facts.described.get(one.job_id, {}))
        for one in sorted(own, key=lambda one: (one.attempt, one.group, one.index))
    ]


def _branch(facts: Facts, stage: str, branch: Branch, execution_of: Callable[[int], int]) -> BranchReport:
    seen = observed_containers(facts, stage, branch.name)
    findings = facts.findings.get(stage, ())
    last = _own(findings[-1], branch.name) if findings else None
    counted = last or _NOTHING
    kind, job = _job(branch)
    definition = next((one.described for one in reversed(seen) if one.described), {})
    began = min((one.container.created for one in seen), default=None)
    ended = max((one.container.stopped for one in seen if one.container.stopped), default=None)
    return BranchReport(
        name=branch.name,
        job=job,
        kind=kind,
        compute=branch.compute,
        vcpus=branch.vcpus,
        memory=branch.memory * MIB,
        tasks=counted.tasks,
        done=counted.done,
        records_in=counted.records_in,
        records_out=counted.records_out,
        bytes_in=counted.bytes_in,
        bytes_out=counted.bytes_out,
        output=last.output if last else None,
        job_definition=definition.get("jobDefinition"),
        image=_image(definition),
        software=facts.software.get((stage, branch.name)),
        began=from_unix(began) if began else None,
        ended=from_unix(ended) if ended else None,
        bytes_per_second=_rate(seen, "bytes_in"),
        records_per_second=_rate(seen, "records_in"),
        children=len(seen),
        children_by_status=dict(Counter(one.container.status for one in seen)),
        retried_by_batch=sum(one.ran_again for one in seen),
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


def _image(described: Mapping[str, Any]) -> str | None:
    nodes = described.get("nodeProperties", {}).get("nodeRangeProperties") or [{}]
    container = described.get("container") or nodes[0].get("container") or {}
    image = container.get("image")
    return str(image) if image and image != "none" else None


def _own(finding: Finding, branch: str) -> BranchFinding | None:
    return next((one for one in finding.branches if one.branch == branch), None)


def _rate(seen: Sequence[ObservedContainer], what: str) -> float | None:
    """Return what the containers have read a second while any of them ran."""
    counted = [one for one in seen if one.footprint and one.container.started and one.container.stopped]
    if not counted:
        return None
    total = sum(getattr(one.footprint, what) for one in counted)
    busy = union([(one.container.started or 0, one.container.stopped or 0) for one in counted])
    return total / busy if busy else None


def union(spans: Sequence[tuple[float, float]]) -> float:
    """Return how much time spans cover, each moment counted once."""
    covered, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered


def _spreads(seen: Sequence[ObservedContainer]) -> dict[str, Spread | None]:
    ran = [one.span for one in seen if one.container.started]
    ended = [one for one in ran if one.stopped]
    left = [one.footprint for one in seen if one.footprint]
    return {
        "queued": spread([max(0.0, (one.started or 0) - one.queued) for one in ran]),
        "starting": spread([one.began - one.started for one in ran if one.began and one.started]),
        "running": spread([max(0.0, (one.stopped or 0) - (one.began or one.started or 0)) for one in ended]),
        "peak_memory": spread([one.peak * 1024 for one in left]),
        "cpu_seconds": spread([one.cpu / 1000 for one in left]),
    }


def _cpu_share(seen: Sequence[ObservedContainer], vcpus: float) -> float | None:
    """Return processor time by what the containers' vCPUs could have given while their programs ran."""
    left = [one.footprint for one in seen if one.footprint]
    possible = sum(one.ended - one.began for one in left) * vcpus
    return sum(one.cpu for one in left) / possible if possible else None


def _attempts(
    findings: Sequence[Finding], branch: str, seen: Sequence[ObservedContainer], execution_of: Callable[[int], int]
) -> Iterator[Attempt]:
    for finding in findings:
        own = _own(finding, branch)
        if own is None:
            continue
        here = [one for one in seen if one.container.attempt == finding.attempt]
        yield Attempt(
            number=finding.attempt,
            nth=nth_attempt(finding.attempt),
            execution=execution_of(finding.attempt),
            verdict=finding.verdict,
            reason=finding.reason,
            done=own.done,
            missing=own.missing,
            children=len(here),
            children_failed=sum(one.is_failed for one in here),
            failures=list(own.failures),
        )
