"""What the state machine of statemachines/pipeline.asl.yaml takes: states entered, and events in its history.

A test holds both against an execution. AWS bills every state entered, and every retry of one.
"""

from gristmill.enums import RunStatus
from gristmill.limits import HISTORY_EVENTS_MAX

PARTIAL_ERROR = "Gristmill.Partial"  # of an execution that has left tasks out: a failure to AWS, a status to us

# Execution started and ended; Split, IsClaimed, the last notice, RunSucceeded.
RUN_STATES, RUN_EVENTS = 4, 16
# JobMap, Work with its two Maps, CheckOutput, IsComplete.
ATTEMPT_STATES, ATTEMPT_EVENTS = 6, 24
# NotifyRetrying, WaitBeforeRetry.
RETRY_STATES, RETRY_EVENTS = 2, 7
# An iteration with Groups, IsMerged, and Merge (BranchEnd has fewer events).
BRANCH_STATES, BRANCH_EVENTS = 3, 13
# An iteration with ArrayOrPlain and the job; a job that failed goes through JobFailed too.
JOB_STATES, JOB_EVENTS = 2, 10
FAILED_STATES, FAILED_EVENTS = 1, 2

# An iteration with IsMpiToDo, MpiJob, IsMpiMerged and MergeMpi; a look is WaitForMpi, LookAtMpi, IsMpiOver.
MPI_STATES, MPI_EVENTS = 4, 16
LOOK_STATES, LOOK_EVENTS = 3, 9
_LOOK_WAIT_MAX = 900  # seconds

# Invocations: Split and the last notice; JobMap and CheckOutput of an attempt; Merge of a branch.
RUN_INVOCATIONS, ATTEMPT_INVOCATIONS, BRANCH_INVOCATIONS = 2, 2, 1


def run_status(status: str, error: str | None) -> RunStatus:
    """Return the status of a run by that of its execution, as AWS has it, and the error that this ended with."""
    return RunStatus.PARTIAL if (status, error) == (RunStatus.FAILED, PARTIAL_ERROR) else RunStatus(status)


def attempt_states(branches: int, jobs: int) -> int:
    """Return the states entered in one attempt at a stage."""
    return ATTEMPT_STATES + BRANCH_STATES * branches + JOB_STATES * jobs


def attempt_events(branches: int, jobs: int) -> int:
    """Return the history events of one attempt at a stage."""
    return ATTEMPT_EVENTS + BRANCH_EVENTS * branches + JOB_EVENTS * jobs


def looks(seconds: float) -> int:
    """Return how often a multi-node job of so many seconds is looked at: each second, then rarer by a tenth."""
    count, waited = 1, 1
    while waited < seconds:
        count, waited = count + 1, waited + max(1, min(_LOOK_WAIT_MAX, waited // 10))
    return count


def mpi_states(seconds: float) -> int:
    """Return the states entered for a multi-node job of so many seconds."""
    return MPI_STATES + LOOK_STATES * looks(seconds)


def mpi_events(seconds: float) -> int:
    """Return the history events of a multi-node job of so many seconds."""
    return MPI_EVENTS + LOOK_EVENTS * looks(seconds)


def worst_events(attempts: int, branches: int, jobs: int) -> int:
    """Return the history events of a stage that needs all its attempts, each with as many jobs, which all fail."""
    return attempts * (attempt_events(branches, jobs) + FAILED_EVENTS * jobs + RETRY_EVENTS)


def fits_history(events: int) -> bool:
    """Tell whether an execution may have so many events."""
    return RUN_EVENTS + events < HISTORY_EVENTS_MAX
