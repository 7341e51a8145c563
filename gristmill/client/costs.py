"""What a run was expected to cost, and what its executions have cost."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from gristmill import keys
from gristmill.client.stack import Mill
from gristmill.cost.bill import dollars, together, told
from gristmill.errors import Corrupt
from gristmill.records import Bill, Outcome
from gristmill.story import expected


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
        return told(self.bill, self.estimate) + (" on AWS; free here" if self.local else "")


def cost_of(mill: Mill, run: str) -> Cost:
    """Return what a run has cost in all its executions that have ended."""
    bills = list(_bills(mill, run))
    return Cost(together(bills) if bills else None, expected(mill.store, run), mill.target.local)


def _bills(mill: Mill, run: str) -> Iterator[Bill]:
    for one in mill.store.list(keys.outcomes(run)):
        try:
            outcome = Outcome.model_validate_json(mill.store.read(one.key))
        except ValidationError as error:
            raise Corrupt(f"{one.key} is not an outcome of this version's making: {error}") from error
        if outcome.cost:
            yield outcome.cost
