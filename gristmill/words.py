"""The states and kinds that code, YAML, keys, mails and the command line all name the same way."""

from enum import StrEnum, unique


@unique
class RunStatus(StrEnum):
    """Where a run stands, as told to people and in SNS message attributes."""

    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    SUCCEEDED = "SUCCEEDED"
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


@unique
class CheckVerdict(StrEnum):
    """What CheckOutput found for a stage."""

    COMPLETE = "COMPLETE"
    INCOMPLETE = "INCOMPLETE"
    FAILED = "FAILED"


@unique
class Compute(StrEnum):
    """Which queue a branch's jobs go to."""

    CPU = "cpu"
    GPU = "gpu"


@unique
class RecordFormat(StrEnum):
    """How a split finds the borders between records."""

    LINES = "lines"


@unique
class MergeKind(StrEnum):
    """What becomes of a branch's segments once all its tasks are done."""

    CONCAT = "concat"
    NONE = "none"


@unique
class ParameterType(StrEnum):
    """The types a pipeline's parameter may have."""

    INTEGER = "integer"
    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"


@unique
class Notice(StrEnum):
    """What the nodes of a multi-node job tell each other; those of one node carry its index in their key."""

    NODE = "node"  # it has come, and how it can be used
    LAUNCH = "launch"  # what it has to run
    ALIVE = "alive"
    LOST = "lost"  # it goes away early
    ACK = "ack"  # its daemon has ended well
    HEARTBEAT = "heartbeat"  # the main node lives
    ENDING = "ending"  # the program has ended well, as mpirun sees it
    OUTCOME = "outcome"  # the main node's exit code and reason
