"""Why a run failed: the reason it ended with, and the failures behind it, as its functions recorded them."""

from dataclasses import dataclass

from gristmill.client.runs.find import Run
from gristmill.client.stack import Stack
from gristmill.outcome.summary import findings
from gristmill.runs.records import Failure
from gristmill.runs.repository import find_outcome


@dataclass(frozen=True)
class Cause:
    """`reason` in one line; `failures` from the last check of each stage; `missing` tasks by branch."""

    reason: str
    failures: list[Failure]
    missing: dict[str, int]


def causes(stack: Stack, run: Run) -> Cause:
    """Return why a run failed, or what has failed so far in one that goes on."""
    found = findings(stack.store, run.record) if run.record else []
    branches = [one for finding in found for one in finding.branches]
    return Cause(
        reason=_reason(stack, run),
        failures=[failure for one in branches for failure in one.failures],
        missing={one.branch: one.missing for one in branches if one.missing},
    )


def _reason(stack: Stack, run: Run) -> str:
    """Return the reason that the notice told; before it is out, the execution's own."""
    outcome = find_outcome(stack.store, run.run, run.execution.arn)
    return outcome.reason if outcome else run.execution.cause
