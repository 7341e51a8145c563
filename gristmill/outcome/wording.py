"""How a run ended, and how to go on, in the words that mails, reports and commands share. Pure."""

from gristmill.enums import RunStatus


def ended(status: RunStatus, warnings: int) -> str:
    """Return a status with the warnings that a success comes with."""
    if status is not RunStatus.SUCCEEDED or not warnings:
        return str(status)
    return f"{status} with {warnings:,} warning{'' if warnings == 1 else 's'}"


def next_step(run: str, status: RunStatus, is_refused: bool, is_doubted: bool) -> str:
    """Return what to do about a run that ended without success; `is_doubted` where its figures failed a check."""
    if is_refused:
        return "Mend this, and drop the file again."
    if is_doubted:
        return (
            "A resume would check the same figures and end the same way: mend the file, the parameters, the code or "
            f"the bounds, and drop the file again. What was computed is kept: gristmill results {run}"
        )
    resume = f"o on with only what is missing: gristmill resume {run}"
    return f"G{resume}" if status is RunStatus.ABORTED else f"Mend this, then g{resume}"
