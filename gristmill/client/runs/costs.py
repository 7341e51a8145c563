"""What a run was expected to cost, and what its executions have cost."""

from dataclasses import dataclass

from gristmill.client.runs.times import outcomes
from gristmill.client.stack import Stack
from gristmill.cost.bill import combined, describe_bill, dollars
from gristmill.outcome.summary import expected
from gristmill.runs.records import Bill


@dataclass(frozen=True)
class Cost:
    """A run's bill, None until an execution of it has ended; the dollars expected before; whether nobody bills them."""

    bill: Bill | None
    estimate: float | None
    local: bool

    @property
    def line(self) -> str:
        """Return the cost in one line, empty where nothing is known."""
        if self.bill is None:
            return "" if self.estimate is None else f"estimated {dollars(self.estimate)}"
        return describe_bill(self.bill, self.estimate) + (" on AWS; free here" if self.local else "")


def cost_of(stack: Stack, run: str) -> Cost:
    """Return what a run has cost in all its executions that have ended."""
    bills = [outcome.cost for outcome in outcomes(stack, run) if outcome.cost]
    return Cost(combined(bills) if bills else None, expected(stack.store, run), stack.target.local)
