"""Domain errors. Each knows the exit code that the command line and the children end with."""

from enum import IntEnum, unique
from typing import TYPE_CHECKING

from gristmill import printable

if TYPE_CHECKING:
    from pydantic import ValidationError


@unique
class ExitCode(IntEnum):
    """Exit codes of the command line and of children; 75..78 follow sysexits.h and the MPI protocol."""

    OK = 0
    FAILED = 1  # the run failed, or a task of this child did
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4  # the input, a parameter or a pipeline.yaml has faults
    UNREACHABLE = 5  # no stack, no embedded AWS, no credentials
    STOPPED = 6  # the run was stopped, or the task ran out of time
    PARTIAL = 7  # the run is complete but for tasks that were left out
    NODE_MISSING = 75  # a node of a multi-node job did not come, or cannot take part
    MAIN_LOST = 76  # the main node sends no heartbeat
    CUT_OFF = 77  # the store could not be reached
    NODE_LOST = 78  # a node was lost, or does not confirm a good end
    TERMINATED = 143  # SIGTERM
    INTERRUPTED = 130  # the user pressed Ctrl-C; a run that was watched goes on


class GristmillError(Exception):
    """Base of the errors a user can mend: `what` went wrong, and `mend`, how to put it right."""

    exit_code = ExitCode.FAILED

    def __init__(self, what: str, mend: str = "") -> None:
        ended = what if not mend or what.endswith((".", ":")) else f"{what}."
        super().__init__(f"{ended} {mend}".strip())
        self.what = what
        self.mend = mend


class Refused(GristmillError):
    """Raised when an input, its parameters or a pipeline.yaml break a rule; `faults` has all of them.

    A task that raises it is not tried again, and its run ends: the same input would be refused each time.
    """

    exit_code = ExitCode.REFUSED

    def __init__(self, faults: list[str], mend: str = "") -> None:
        text = "; ".join(faults)
        super().__init__(f"{text}." if mend and not text.endswith((".", "!", "?")) else text, mend)
        self.faults = faults

    @property
    def advice(self) -> list[str]:
        """Return the faults, the last with how to mend them."""
        return [*self.faults[:-1], f"{self.faults[-1].rstrip('.')}. {self.mend}"] if self.mend else self.faults


class NoSpace(GristmillError):
    """Raised when a host's disk has too little room for what is to be written; another host may have enough."""


class NotFound(GristmillError):
    """Raised when a run, a pipeline or an object that was named does not exist."""

    exit_code = ExitCode.NOT_FOUND


class Unreachable(GristmillError):
    """Raised when the stack or the embedded AWS cannot be reached."""

    exit_code = ExitCode.UNREACHABLE


class Superseded(GristmillError):
    """Raised when a run belongs to another execution by now: whoever meets it changes nothing and sends nothing."""


class Corrupt(GristmillError):
    """Raised when an object of the run's own making (index, receipt, record) does not read as it must."""


class Changed(Corrupt):
    """Raised when an object is no longer the one that was to be read: it was replaced or removed meanwhile."""


def plain_fault(message: str) -> str:
    """Return the message of a check of ours without what pydantic puts before it."""
    return message.removeprefix("Value error, ")


def first_fault(error: "ValidationError") -> str:
    """Return the first fault of a failed validation in one line: where, and what is wrong there."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, fault["loc"]))
    what = plain_fault(fault["msg"])
    return printable.line(f"{place}: {what}" if place else what)  # names of fields are data too
