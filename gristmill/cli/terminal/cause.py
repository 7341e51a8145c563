"""Telling why a run failed, and the command that goes on with it."""

from typing import TYPE_CHECKING

from gristmill.cli.terminal.show import out
from gristmill.outcome.wording import next_step, tails
from gristmill.printable import short

if TYPE_CHECKING:
    from gristmill.client.runs.causes import Cause
    from gristmill.client.runs.find import Run


def show_cause(run: "Run", cause: "Cause") -> None:
    """Print a cause: reason, failures with their log tails, the next command."""
    if cause.reason:
        out()
        out(short(f"Why: {cause.reason}"))
    for failure, lines in tails(cause.failures):
        out()
        out(short(failure.headline))
        for line in lines:
            out(f"  | {line}")
    if run.going:
        return
    out()
    is_refused = run.record is None or bool(run.record.faults)
    out(str(next_step(run.run, run.status, is_refused, cause.is_final)))
