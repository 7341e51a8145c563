"""How a run ended, and how to go on, in the words that mails, reports and commands share. Pure."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from gristmill.enums import RunStatus
from gristmill.printable import tail

if TYPE_CHECKING:
    from gristmill.runs.evidence import Failure

_OTHERS = re.compile(
    r"(Error|Exception|Exit|Interrupt|Iteration|Warning|Group)$|\."
)  # names of errors that are not ours
_REQUEST = re.compile(r"^(RequestId: \S+ (Error: )?|[\d:.TZ-]{20,} [\w-]{36} )")  # before what Lambda says itself
# AWS Lambda and Step Functions developer guides, error names
_MEANINGS = {
    "Sandbox.Timedout": "the function ran past its time limit",
    "Runtime.ExitError": "the function's process died",
    "Runtime.OutOfMemory": "the function ran out of memory",
    "States.Timeout": "it ran past its time limit",
    "States.DataLimitExceeded": "it answered more than a state may hold",
    "Lambda.TooManyRequestsException": "Lambda had no room for the function",
}


def ended(status: RunStatus, warnings: int) -> str:
    """Return a status with the warnings that a success comes with."""
    if status is not RunStatus.SUCCEEDED or not warnings:
        return str(status)
    return f"{status} with {warnings:,} warning{'' if warnings == 1 else 's'}"


def describe_error(name: str, message: str) -> str:
    """Return an error in one line: what it means, if it is of Python or of AWS; ours say it in their message."""
    if not _OTHERS.search(name):
        return message
    text = f"{name}: {_REQUEST.sub('', message)}" if message else name
    return (
        f"{_MEANINGS[name]} ({text})" if name in _MEANINGS else f"an unexpected error ({text}); the log has its trace"
    )


def tails(failures: "Iterable[Failure]") -> "Iterator[tuple[Failure, list[str]]]":
    """Yield each failure with the last lines of its trace or log; none where an earlier one has shown the same."""
    shown: set[str] = set()
    for failure in failures:
        yield failure, [] if failure.detail in shown else list(tail(failure.detail))
        shown.add(failure.detail)


class NextStep(NamedTuple):
    """What to do about a run, and the command for that, if there is one."""

    what: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.command}" if self.command else self.what


def next_step(run: str, status: RunStatus, is_refused: bool, is_final: bool) -> NextStep:
    """Return what to do about a run that ended without success; `is_final` where its outputs are there, and wrong."""
    if is_refused:
        return NextStep("Mend this, and drop the file again.")
    if is_final:
        vain = "A resume as it was would find the same outputs and end the same way"
        mend = "mend the pipeline, and resume --with-changes; or the file or its parameters, and drop it again"
        return NextStep(f"{vain}: {mend}. What was computed is kept", f"gristmill results {run}")
    resume = f"gristmill resume {run}"
    if status is RunStatus.PARTIAL:
        return NextStep("Try what was left out once more", resume)
    if status is RunStatus.ABORTED:
        return NextStep("Go on with only what is missing", resume)
    return NextStep(
        "Mend this, then go on with only what is missing (if you mended the pipeline: --with-changes)", resume
    )
