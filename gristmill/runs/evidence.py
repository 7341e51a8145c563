"""What jobs write of their tasks: a receipt commits outputs, a failure says why there are none. Read strictly."""

from typing import Literal, Self

from pydantic import (
    AwareDatetime,
    Field,
    model_validator,
)

from gristmill.runs.cursor import nth_attempt
from gristmill.runs.schema import Count, Record, Words


class Written(Record):
    """What tasks wrote of one output into its segment; `header` is as of a receipt."""

    etag: str
    offsets: list[Count]
    records_out: list[Count]
    header: str = ""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        """Refuse outputs that do not lie one after another, or of which some are not counted."""
        if len(self.offsets) != len(self.records_out) + 1 or self.offsets[0] != 0:
            raise ValueError("it does not account for every task")
        if sorted(self.offsets) != self.offsets:
            raise ValueError("its outputs do not lie one after another")
        return self


class Receipt(Record):
    """`receipts/<a>-<b>.json`: commits the segment of tasks [first, end); no receipt, no output.

    The lists have one value per task; `offsets` has one more: task i's output is bytes
    [offsets[i], offsets[i + 1]) of the segment. `header` came before each task's output and is in none of them; it
    has a byte as the character of the same number.
    """

    contract: Literal[1] = 1
    first: int
    end: int
    attempt: int
    etag: str
    job_id: str
    log_stream: str
    started: float  # Unix seconds
    ended: float
    offsets: list[Count]
    bytes_in: list[Count]
    records_in: list[Count]
    records_out: list[Count]
    header: str = ""
    output: str = ""  # the output that these are of, where there are several
    others: dict[str, Written] = Field(default_factory=dict)  # the other outputs, by name

    @property
    def written(self) -> dict[str, Written]:
        """Return what was written, by output; a branch of one output has it without a name."""
        own = Written(etag=self.etag, offsets=self.offsets, records_out=self.records_out, header=self.header)
        return {self.output: own, **self.others}

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        """Refuse a receipt whose lists lack a task, or whose outputs do not lie one after another."""
        tasks = self.end - self.first
        counted = {len(written.records_out) for written in self.others.values()}
        if tasks < 1 or {len(self.bytes_in), len(self.records_in), len(self.records_out)} | counted != {tasks}:
            raise ValueError("it does not account for every task")
        if len(self.offsets) != tasks + 1 or self.offsets[0] != 0 or sorted(self.offsets) != self.offsets:
            raise ValueError("its outputs do not lie one after another")
        return self


class Failure(Record):
    """`failures/<task>-<attempt>.json`: why one task failed in one attempt."""

    contract: Literal[1] = 1
    stage: str
    branch: str
    task: int | None  # None: the child died, and which of its tasks did it is not known
    attempt: int
    reason: Words  # one line: the exception, or what killed it
    detail: Words  # traceback or stderr tail
    exit_code: int | None
    job_id: str
    log_stream: str
    at: AwareDatetime
    start: int | None = None  # the task's bytes [start, end) of its stage's input, as CheckOutput looks them up
    end: int | None = None
    item: Words = ""  # the text of a list's item
    records: Count | None = (
        None  # of the task's input, where its own error alone is to blame: only such a task is left out
    )
    refused: bool = False  # what the task reads or writes breaks a rule: another attempt would end alike

    @property
    def nth(self) -> int:
        """Return the attempt as people count it: from 1, anew in each resume."""
        return nth_attempt(self.attempt)

    @property
    def headline(self) -> str:
        """Return the failure in one line: stage, branch, task, its place in the input, attempt, exit code, reason."""
        task = "a child" if self.task is None else f"task {self.task}"
        is_placed = self.start is not None and self.end is not None
        place = f" (bytes {self.start:,} to {(self.end or 0) - 1:,} of its stage's input)" if is_placed else ""
        code = "" if self.exit_code is None else f", exit code {self.exit_code}"
        refused = ", refused" if self.refused else ""
        return f"{self.stage}/{self.branch}, {task}{place}, attempt {self.nth}{code}{refused}: {self.reason}"
