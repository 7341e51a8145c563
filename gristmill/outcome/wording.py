"""How a run ended, and how to go on, in the words that mails, reports and commands share. Pure."""

from typing import NamedTuple

from gristmill.enums import RunStatus


def ended(status: RunStatus, warnings: int) -> str:
    """Return a status with the warnings that a success comes with."""
    if status is not RunStatus.SUCCEEDED or not warnings:
        return str(status)
    return f"{status} with {warnings:,} warning{'' if warnings == 1 else 's'}"


class NextStep(NamedTuple):
    """What to do about a run, and the command for that, if there is one."""

    what: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.command}" if self.command else self.what


def next_step(run: str, status: RunStatus, is_refused: bool, is_doubted: bool) -> NextStep:
    """Return what to do about a run that ended without success; `is_doubted` where its figures failed a check."""
    if is_refused:
        return NextStep("Mend this, and drop the file again.")
    if is_doubted:
        vain = "A resume would check the same figures and end the same way"
        mend = "mend the file, the parameters, the code or the bounds, and drop the file again"
        return NextStep(f"{vain}: {mend}. What was computed is kept", f"gristmill results {run}")
    resume = f"gristmill resume {run}"
    if status is RunStatus.ABORTED:
        return NextStep("Go on with only what is missing", resume)
    return NextStep("Mend this, then go on with only what is missing", resume)
