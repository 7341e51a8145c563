"""Telling why a run failed, and the command that goes on with it."""

from typing import TYPE_CHECKING

from gristmill.cli.terminal.show import out
from gristmill.enums import RunStatus
from gristmill.printable import short, tail

if TYPE_CHECKING:
    from gristmill.client.runs.causes import Cause
    from gristmill.client.runs.find import Run


def show_cause(run: "Run", cause: "Cause") -> None:
    """Print a cause: reason, failures with their log tails, the next command."""
    if cause.reason:
        out()
        out(short(f"Why: {cause.reason}"))
    for failure in cause.failures:
        out()
        out(short(failure.headline))
        for line in tail(failure.detail):
            out(f"  | {line}")
    if run.going:
        return
    out()
    out(advice(run))


def advice(run: "Run") -> str:
    """Return what to do about a run that has ended without success."""
    if run.record is None or run.record.faults:
        return "Mend that, and drop the file again."
    if run.status is RunStatus.ABORTED:
        return f"Go on with only what is missing: gristmill resume {run.run}"
    return f"Mend that, then go on with only what is missing: gristmill resume {run.run}"
