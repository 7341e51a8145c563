"""A branch's work, and what it takes of Batch, S3 and the logs: the same sums before a run and after it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, log

from gristmill.batch.plan import segment_age
from gristmill.cost.bill import Usage
from gristmill.enums import Compute, OutputKind
from gristmill.limits import (
    GIB,
    INDEX_WINDOW,
    PROGRESS_SECONDS,
    S3_PART_MIN,
    SEGMENT_BYTES,
    SEGMENT_SECONDS,
    SEGMENT_TASKS,
    UPLOAD_ONE_PUT,
    UPLOAD_PART,
)
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage

_LIST_PAGE = 1000  # Amazon S3 API reference, ListObjectsV2: keys per page
# Split and JobMap look for an entry and at what is committed, CheckOutput at the output and what was used
_TO_BE_REUSED = (4, 7)
_OF_A_REUSE = (4, 9)  # the same looks, the record of what was reused, and the listing for the report
_CHILD_LOG, _PROGRESS_LOG = 250, 110  # bytes, counted on the embedded AWS
_INVOCATION_LOG = 1_500


@dataclass(frozen=True)
class Load:
    """A branch, one of its stage's `branches`, at work: tasks, bytes in and out, children, and the seconds that all
    their containers ran.
    """

    branch: Branch
    tasks: int
    bytes_in: int
    bytes_out: int
    children: int
    seconds: float
    branches: int = 1
    nodes: int = 1  # of a multi-node job
    is_paired: bool = False  # each task reads mates too
    whole: int = 0  # files that each container is given whole
    in_step: int = 0  # parts of other branches that each task is given
    is_cached: bool = False  # other runs may reuse it

    @property
    def merges(self) -> int:
        """Return how many of the branch's outputs are merged."""
        return sum(made.is_merged for made in self.branch.made)

    @property
    def segments(self) -> int:
        """Return how many segments the children make: one each, and more by size, by age and by tasks."""
        if not self.children or self.branch.mpi is not None:  # a multi-node job commits one
            return min(1, self.children)
        by_size, by_tasks = self.bytes_out / SEGMENT_BYTES, self.tasks / SEGMENT_TASKS
        by_age = _sealed_by_age(self.seconds / self.children, segment_age(self.children * self.branches))
        return self.children * (1 + int(max(by_size / self.children, by_tasks / self.children, by_age)))


def with_files(load: Load, stage: Stage) -> Load:
    """Return a load with how many files its branch is given beside its stage's input."""
    return replace(load, whole=len(load.branch.given) + len(stage.joined), in_step=len(stage.in_step))


def _sealed_by_age(seconds: float, share: float) -> float:
    """Return how often a child of so many seconds seals a segment by its age: every minute until `share` of the child's
    age is more, then each time that a share of 1 - `share` is added.
    """
    steady = SEGMENT_SECONDS / share
    if seconds <= steady or share >= 1:
        return min(seconds, steady) / SEGMENT_SECONDS
    return steady / SEGMENT_SECONDS + log(seconds / steady) / -log(1 - share)


def container_usage(load: Load) -> Usage:
    """Return the vCPU-, memory- and GPU-hours of a load, at its queue."""
    hours = load.seconds / 3600
    queue = Compute(load.branch.compute).value
    named = {
        f"{queue}_vcpu_hour": hours * load.branch.vcpus,
        f"{queue}_gib_hour": hours * load.branch.memories[0] / 1024,
    }
    return Usage(**named, gpu_hour=hours * load.branch.gpu_count)


def request_usage(load: Load) -> Usage:
    """Return the S3 requests of a branch: its children's, those of looks at what it has committed, its merge's, and its
    part of the report's.
    """
    writes, reads = 0.0, 0.0
    cache = _TO_BE_REUSED if load.is_cached else (0, 0)
    for more in (_by_children(load), _by_looks(load), merge_requests(load), _by_report(load), cache):
        writes, reads = writes + more[0], reads + more[1]
    return Usage(s3_write=writes, s3_read=reads)


def reuse_usage(load: Load) -> Usage:
    """Return the S3 requests of a branch that is reused of another run: its outputs are copied, and looked at."""
    outputs, size = len(load.branch.made), load.bytes_out / len(load.branch.made)
    copying = 1 if size < S3_PART_MIN else 3
    return Usage(s3_write=_OF_A_REUSE[0] + outputs * (copying + 1), s3_read=_OF_A_REUSE[1] + outputs * 15)


def _by_children(load: Load) -> tuple[float, float]:
    """Return how often children write and read.

    A child reads the run's record and code, twice how its stage is cut, its offsets and its input, its whole inputs, of
    mates offsets and content too, and leaves a footprint; a segment comes with its receipt, and a branch that makes
    files has one of each task.
    """
    each = load.bytes_out / max(1, load.segments)
    parts = 1 if each <= UPLOAD_ONE_PUT else 2 + ceil(each / UPLOAD_PART)
    windows = max(1, ceil(load.tasks / max(1, load.children) / INDEX_WINDOW))
    files = load.tasks if load.branch.output is OutputKind.FILES else 0
    beside = load.whole * load.children * load.nodes + load.in_step * load.tasks
    outputs = len(load.branch.made)  # a segment of each, under one receipt
    streams = 4 if load.is_paired else 2
    reads = load.children * (5 + streams * windows) + beside + (load.segments if parts > 1 else 0)
    return files + load.segments * (outputs * parts + 1) + load.children, reads


def _by_looks(load: Load) -> tuple[float, float]:
    """Return how often looks at what is committed write and read.

    JobMap finds nothing yet, and keeps what it plans; Merge and CheckOutput list segments and receipts, read each
    receipt, and CheckOutput looks for the output and for what Merge has recorded of it.
    """
    outputs = len(load.branch.made)
    pages, looks = max(1, ceil(outputs * load.segments / _LIST_PAGE)), outputs + (outputs > 1) + load.merges
    return 1 + 2 * (1 + looks * pages), looks * load.segments + 2 * load.merges


def _by_report(load: Load) -> tuple[float, float]:
    """Return how often the report writes and reads: what containers used, what the last one ran on, and the result."""
    return 1, 1 + load.merges


def merge_requests(load: Load) -> tuple[float, float]:
    """Return the requests of a merge that write and that read: segments of 5 MiB are copied, smaller ones are read.

    It reads twice the run's record, and how the stage is cut, looks twice whether the output was made, and whether the
    run was stopped, and records what it made.
    """
    size = load.bytes_out / len(load.branch.made)
    each = size / max(1, load.segments)
    copied = load.segments if each >= S3_PART_MIN else ceil(size / S3_PART_MIN)
    read = 0 if each >= S3_PART_MIN else load.segments
    return load.merges * (2 if copied < 2 else copied + 3), load.merges * (read + 9)


def log_usage(loads: list[Load], invocations: int) -> Usage:
    """Return what children and functions write to CloudWatch Logs."""
    by_children = sum(load.children * _CHILD_LOG + load.seconds / PROGRESS_SECONDS * _PROGRESS_LOG for load in loads)
    return Usage(log_gb=(by_children + invocations * _INVOCATION_LOG) / GIB)


def storage_usage(input_size: int, loads: list[Load]) -> Usage:
    """Return a month of the input, the intermediates and the merged outputs; a task's offset is 8 bytes."""
    return Usage(s3_gb_month=(input_size + sum(_stored(loads))) / GIB)


def _stored(loads: list[Load]) -> Iterator[int]:
    for load in loads:
        copies = 1 + load.merges / len(load.branch.made)
        yield int(copies * load.bytes_out) + 8 * load.tasks
