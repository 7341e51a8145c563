"""Report the containers of a branch: what Batch and their own footprints know of each. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gristmill.batch.containers import Container, seconds
from gristmill.batch.jobs import end_reason
from gristmill.enums import JobStatus
from gristmill.report.timeline import ContainerTimes, from_unix
from gristmill.report.work import Child, Try
from gristmill.runs.usage import Footprint

SHOWN = 100  # containers listed one by one
_FAILED_SHOWN = 40
_SLOW_SHOWN = 40
_REASON = 500


@dataclass(frozen=True)
class ObservedContainer:
    """A container with its footprint and its description by DescribeJobs, where either is known."""

    container: Container
    footprint: Footprint | None
    described: Mapping[str, Any]

    @property
    def is_failed(self) -> bool:
        """Return whether it ended badly."""
        return self.container.status == JobStatus.FAILED

    @property
    def last(self) -> Footprint | None:
        """Return its footprint if that is of the try whose times Batch gives."""
        left, started = self.footprint, self.container.started
        return left if left and started and left.ended / 1000 >= started else None

    @property
    def began(self) -> float | None:
        """Return when its program began in Unix seconds: after the container started, whatever the two clocks say."""
        started = self.container.started
        return max(self.last.began / 1000, started) if self.last and started else None

    @property
    def times(self) -> ContainerTimes:
        """Return its times."""
        return ContainerTimes(self.container.created, self.container.started, self.began, self.container.stopped)

    @property
    def ran_again(self) -> bool:
        """Return whether Batch started it more than once."""
        return len(self.described.get("attempts", [])) > 1 or (
            self.footprint is not None and self.footprint.job_try > 1
        )


def shown(seen: Sequence[ObservedContainer]) -> list[Child]:
    """Return a list to read: containers that failed, the slowest, then the first; in order where those are all."""
    if len(seen) <= SHOWN:
        return [child(container) for container in seen]
    slow = sorted(seen, key=lambda observed: -observed.container.seconds)[:_SLOW_SHOWN]
    failed = [observed for observed in seen if observed.is_failed][:_FAILED_SHOWN]
    chosen = {observed.container.job_id: observed for observed in (*failed, *slow, *seen[:SHOWN])}
    return [child(observed) for observed in list(chosen.values())[:SHOWN]]


def child(observed: ObservedContainer) -> Child:
    """Return a container as the report lists it."""
    container, left = observed.container, observed.footprint
    return Child(
        attempt=container.attempt,
        group=container.group,
        index=container.index,
        status=container.status,
        job_id=container.job_id,
        queued=from_unix(container.created),
        started=from_unix(container.started) if container.started else None,
        began=from_unix(observed.began) if observed.began else None,
        stopped=from_unix(container.stopped) if container.stopped else None,
        seconds=container.seconds if container.stopped and container.started else None,
        tasks_done=left.done if left else None,
        tasks_failed=left.failed if left else None,
        bytes_in=left.bytes_in if left else None,
        bytes_out=left.bytes_out if left else None,
        records_in=left.records_in if left else None,
        records_out=left.records_out if left else None,
        cpu_seconds=left.cpu / 1000 if left else None,
        peak_memory=left.peak * 1024 if left else None,
        exit_code=container.exit_code,
        reason=container.reason[:_REASON],
        tries=list(_tries(observed.described)) if observed.ran_again or observed.is_failed else [],
    )


def _tries(described: Mapping[str, Any]) -> Iterator[Try]:
    for attempt in described.get("attempts", []):
        container = attempt.get("container") or {}
        started, stopped = seconds(attempt.get("startedAt")), seconds(attempt.get("stoppedAt"))
        yield Try(
            started=from_unix(started) if started else None,
            stopped=from_unix(stopped) if stopped else None,
            exit_code=container.get("exitCode"),
            reason=(container.get("reason") or end_reason(described, attempt))[:_REASON],
        )
