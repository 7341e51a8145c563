"""Measure what this process and the programs it has run have used, and leave a footprint at the end."""

import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from gristmill.clock import REAL, Clock
from gristmill.keys import BranchKeys
from gristmill.runs.usage import Footprint, leave
from gristmill.storage import Storage

_KIB = 1024 if sys.platform == "darwin" else 1  # getrusage(2): bytes on macOS, KiB on Linux


def milliseconds(clock: Clock = REAL) -> int:
    """Return the Unix time."""
    return int(1000 * clock.unix())


def cpu() -> int:
    """Return milliseconds of processor time, user and system; of programs, those that have ended."""
    return round(1000 * sum(usage.ru_utime + usage.ru_stime for usage in _used()))


def peak() -> int:
    """Return the most memory in KiB that this process or any one program held (resident set size).

    A process that was forked counts from what it held at its birth: an interpreter with the job's libraries.
    """
    return max(usage.ru_maxrss for usage in _used()) // _KIB


def _used() -> list[resource.struct_rusage]:
    return [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]


@dataclass(frozen=True)
class Meter:
    """Where the readings come from; a simulation gives its own."""

    cpu: Callable[[], int] = cpu
    peak: Callable[[], int] = peak


@dataclass
class Tally:
    """What the tasks that are done have read and written, since `began`."""

    began: int = field(default_factory=milliseconds)
    done: int = 0
    failed: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    records_in: int = 0
    records_out: int = 0

    def add(self, bytes_in: int, bytes_out: int, records_in: int, records_out: int) -> None:
        """Count a task that is done."""
        self.done += 1
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out
        self.records_in += records_in
        self.records_out += records_out


@dataclass(frozen=True)
class ContainerTry:
    """Which try of which container: `child` is its index in its array or, of a node, among the nodes."""

    branch: BranchKeys
    attempt: int
    group: int
    child: int
    job_try: int


def leave_footprint(
    store: Storage, which: ContainerTry, tally: Tally, log: Callable[[str], None], meter: Meter = Meter()
) -> None:
    """Write what this container used, for the report; an error in that does not fail the job."""
    footprint = Footprint(
        attempt=which.attempt,
        group=which.group,
        child=which.child,
        job_try=which.job_try,
        began=tally.began,
        ended=milliseconds(store.clock),
        cpu=meter.cpu(),
        peak=meter.peak(),
        done=tally.done,
        failed=tally.failed,
        bytes_in=tally.bytes_in,
        bytes_out=tally.bytes_out,
        records_in=tally.records_in,
        records_out=tally.records_out,
    )
    try:
        leave(store, which.branch, footprint)
    except (BotoCoreError, ClientError) as error:
        log(f"the footprint was not written: {error}")
