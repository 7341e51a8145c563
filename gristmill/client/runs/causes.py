"""Why a run failed: the reason it ended with, and the failures behind it, as its functions recorded them."""

from dataclasses import dataclass

from gristmill.client.runs.find import Run
from gristmill.client.stack import Stack
from gristmill.outcome.summary import findings
from gristmill.runs.evidence import Failure
from gristmill.runs.repository import find_outcome


@dataclass(frozen=True)
class Cause:
    """`reason` in one line; `failures` from the last check of each stage; `missing` tasks by branch.

    `is_final` where outputs are there and wrong, so that a resume is in vain.
    """

    reason: str
    failures: list[Failure]
    missing: dict[str, int]
    is_final: bool = False


def causes(stack: Stack, run: Run) -> Cause:
    """Return why a run failed, or what has failed so far in one that goes on."""
    found = findings(stack.store, run.record) if run.record else []
    branches = [branch for finding in found for branch in finding.by_branch]
    return Cause(
        reason=_reason(stack, run),
        failures=[failure for branch in branches for failure in branch.failures],
        missing={branch.branch: branch.missing for branch in branches if branch.missing},
        is_final=any(branch.is_final for branch in branches),
    )


def _reason(stack: Stack, run: Run) -> str:
    """Return the reason that the notice told; before it is out, the execution's own."""
    outcome = find_outcome(stack.store, run.run, run.execution.arn)
    return outcome.reason if outcome else run.execution.cause
