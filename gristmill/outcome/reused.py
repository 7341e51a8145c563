"""What a run has reused of others, in the words that mails and commands share. Pure."""

from collections.abc import Iterable

from gristmill.cost.bill import dollars
from gristmill.runs.findings import Finding


def reused(findings: Iterable[Finding]) -> list[str]:
    """Return a line for each branch that was reused of another run: of which, and the dollars that this has saved."""
    found = {name: each for finding in findings for name, each in finding.reused.items()}
    return [f"{name}: reused from {each.reused}, saved {dollars(each.saved)}" for name, each in found.items()]
