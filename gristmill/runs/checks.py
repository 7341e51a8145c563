"""What was found of the figures that branches wrote."""

from gristmill.enums import FigureVerdict
from gristmill.humanize import number
from gristmill.pipeline.check import Check
from gristmill.pipeline.fields import Closed
from gristmill.runs.schema import Words


class CheckResult(Closed):
    """What CheckOutput found of a figure: its value (None: there is no number), and what is wrong with it."""

    check: Check
    value: int | float | None
    verdict: FigureVerdict
    problem: Words = ""  # why there is no number

    @property
    def headline(self) -> str:
        """Return the result in one line: branch, figure, value, bounds; of a breach its meaning too."""
        place = f"{self.check.of}: {self.check.figure}"
        if self.value is None:
            return f"{place} must be {self.check.bounds}, but {self.problem}"
        if self.verdict is FigureVerdict.PASSED:
            return f"{place} is {number(self.value)} ({self.check.bounds})"
        meaning = " ".join(self.check.message.split())
        return f"{place} is {number(self.value)}, and must be {self.check.bounds}: {meaning}"
