"""Runs that come of others: which led to a run, and which a run has started by its pipeline's `then`."""

from gristmill.pipeline.fields import Name
from gristmill.runs.request import RunId
from gristmill.runs.schema import Record, Words


class Ancestor(Record):
    """A run that led to another one."""

    pipeline: Name
    run: RunId

    def __str__(self) -> str:
        return f"run {self.run} of {self.pipeline}"


class Chained(Record):
    """What became of an entry of `then`: the run that it started, or why it started none."""

    pipeline: str
    input: str
    run: str = ""
    why_not: Words = ""

    @property
    def headline(self) -> str:
        """Return it in one line."""
        if self.why_not:
            return f"then: {self.pipeline} was not started on {self.input}: {self.why_not}"
        return f"then: {self.pipeline} -> run {self.run}"
