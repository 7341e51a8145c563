"""The states and kinds that code, YAML, keys, mails and the command line all name the same way."""

from enum import IntEnum, StrEnum, unique


@unique
class RunStatus(StrEnum):
    """The status of a run, as people and SNS message attributes see it."""

    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"  # all is done but tasks that were left out, as the pipeline tolerates
    FAILED = "FAILED"
    ABORTED = "ABORTED"
    TIMED_OUT = "TIMED_OUT"


@unique
class SplitVerdict(StrEnum):
    """What Split decided about an event."""

    GO = "GO"
    IGNORED = "IGNORED"  # a folder marker or a temporary name: not a drop
    DUPLICATE = "DUPLICATE"  # another execution owns the run
    INVALID = "INVALID"  # the run is claimed, and fails with its faults
    BATCH = "BATCH"  # the run is a batch, and feeds its items


@unique
class RunKind(StrEnum):
    """What a run is: one of a pipeline over its files, or a batch of such runs."""

    RUN = "run"
    BATCH = "batch"


@unique
class JobStatus(StrEnum):
    """The states of a Batch job, in the order in which it goes through them."""

    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@unique
class CheckVerdict(StrEnum):
    """What CheckOutput found for a stage."""

    COMPLETE = "COMPLETE"
    PARTIAL = "PARTIAL"  # of the last stage: complete, but for tasks that were left out in the run
    INCOMPLETE = "INCOMPLETE"
    FAILED = "FAILED"

    @property
    def is_complete(self) -> bool:
        """Return whether the stage is done, but for tasks that were left out."""
        return self in (CheckVerdict.COMPLETE, CheckVerdict.PARTIAL)


@unique
class Breach(StrEnum):
    """What a figure out of its bounds does to the run."""

    FAIL = "fail"
    WARN = "warn"


@unique
class Emptiness(StrEnum):
    """What becomes of a run where a branch that is read as a list lists nothing."""

    FAIL = "fail"
    OK = "ok"


@unique
class FigureVerdict(StrEnum):
    """What CheckOutput found of a figure."""

    PASSED = "PASSED"
    WARNED = "WARNED"  # out of its bounds, and the run goes on
    FAILED = "FAILED"  # out of its bounds, or no number that can be held against them


@unique
class Compute(StrEnum):
    """Which queue a branch's jobs go to."""

    CPU = "cpu"
    GPU = "gpu"


@unique
class Image(StrEnum):
    """Which of the stack's images a pipeline's jobs on CPUs run in; those on GPUs have one of their own."""

    CPU = "cpu"
    SCIENCE = "science"
    GENOMICS = "genomics"  # for single containers: there is none for nodes


@unique
class LaneName(StrEnum):
    """Where jobs go: a queue, and the definition of what runs there. Plain jobs have lanes called as their image."""

    CPU = "cpu"
    SCIENCE = "science"
    GENOMICS = "genomics"
    GPU = "gpu"
    MPI = "mpi"
    MPI_SCIENCE = "mpi-science"
    MPI_GPU = "mpi-gpu"


@unique
class RecordFormat(StrEnum):
    """What a record is: how a split finds the borders, and how a child counts what passes."""

    LINES = "lines"
    CSV = "csv"  # a quoted field may hold line ends
    JSONL = "jsonl"
    FASTA = "fasta"
    FASTQ = "fastq"
    FIXED = "fixed"  # records of equally many bytes
    WHOLE = "whole"  # the input is one record and one task
    LIST = "list"  # each line is an item: a text, or the S3 URI of an object
    PARTS = "parts"  # each task's output of an earlier branch is an item
    ALL_PARTS = "all-parts"  # all of them together are one task


@unique
class Encoding(IntEnum):
    """How a stage's input is stored; what its chunk index counts follows from it."""

    PLAIN = 0  # bytes of the input
    GZIP = 1  # bytes of the compressed input; it cannot be split, so they are two
    BGZF = 2  # virtual offsets: byte of a compressed block << 16 | byte in the block


@unique
class MergeKind(StrEnum):
    """What becomes of a branch's segments once all its tasks are done."""

    CONCAT = "concat"
    HEADER = "header"  # concat, with the header that every task writes kept once
    NONE = "none"


@unique
class OutputKind(StrEnum):
    """What a branch makes: one stream that its tasks write in order, or a file of each task."""

    STREAM = "stream"
    FILES = "files"


@unique
class ParameterType(StrEnum):
    """The types a pipeline's parameter may have."""

    INTEGER = "integer"
    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"
    LIST = "list"


@unique
class NodeMessage(StrEnum):
    """The messages between the nodes of a multi-node job; those of one node carry its index in their key."""

    NODE = "node"  # it has registered, and how it can be used
    LAUNCH = "launch"  # what it has to run
    ALIVE = "alive"
    LOST = "lost"  # it goes away early
    ENDED = "ended"  # its daemon has ended well; how its ranks ended
    HEARTBEAT = "heartbeat"  # the main node lives
    OUTCOME = "outcome"  # the main node's exit code and reason
