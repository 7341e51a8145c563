"""The JSON records of a run in S3. They are contracts between the functions, the children and the command line."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from gristmill.enums import CheckVerdict, FigureVerdict, RunStatus
from gristmill.keys import INPUTS
from gristmill.limits import FENCE_MAX
from gristmill.pipeline.model import Pipeline
from gristmill.printable import encodable
from gristmill.runs.checks import CheckResult
from gristmill.runs.cursor import nth_attempt

_Words = Annotated[str, AfterValidator(encodable)]  # of programs and users, who may say anything
_Count = Annotated[int, Field(ge=0, lt=2**63)]
CONTRACT: Literal[2] = 2  # of where a run's objects lie; runs of contract 1 are shown, and not gone on with


class Record(BaseModel):
    """A closed, immutable record: an unknown field is an error, for it means another contract."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class InputObject(Record):
    """The object version that a run works on; bytes, never the key's newest version."""

    bucket: str
    key: Annotated[str, StringConstraints(pattern=f"^{INPUTS}")]
    version: str | None
    etag: str
    size: int
    sequencer: str


class Bill(Record):
    """What a run costs, or would: usage and US dollars by item; `counted` names what was not derived or assumed."""

    contract: Literal[1] = 1
    region: str
    prices_of: date
    usage: dict[str, float]
    dollars: dict[str, float]
    total: float
    counted: list[str]


class RunRecord(Record):
    """`run.json`: who owns the run, and everything it needs, frozen when it was claimed."""

    contract: Literal[1, 2] = 1
    run: str
    execution: str  # ARN of the execution that owns the run
    fence: Annotated[int, Field(ge=1, le=FENCE_MAX)] = 1  # grows by one with each execution that takes the run over
    complete: bool = False  # its success is recorded: nobody takes it over any more
    claimed_at: AwareDatetime
    owner: str
    input: InputObject
    pipeline: Pipeline | None  # None where the drop is refused
    parameters: dict[str, JsonValue]
    max_cost: float | None = None  # dollars; None: no ceiling
    faults: list[_Words]

    @model_validator(mode="before")
    @classmethod
    def _read_first_contract(cls, given: object) -> object:
        """Read a record of contract 1, which has the number of resumes where later ones have the fence."""
        resumes = given.get("resumes") if isinstance(given, dict) else None
        if not isinstance(given, dict) or type(resumes) is not int:
            return given
        return {name: value for name, value in given.items() if name != "resumes"} | {"fence": resumes + 1}

    @property
    def resumes(self) -> int:
        """Return how often an execution has taken the run over."""
        return self.fence - 1


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
    offsets: list[_Count]
    bytes_in: list[_Count]
    records_in: list[_Count]
    records_out: list[_Count]
    header: str = ""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        """Refuse a receipt whose lists lack a task, or whose outputs do not lie one after another."""
        tasks = self.end - self.first
        if tasks < 1 or {len(self.bytes_in), len(self.records_in), len(self.records_out)} != {tasks}:
            raise ValueError("it does not tell of every task")
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
    reason: _Words  # one line: the exception, or what killed it
    detail: _Words  # traceback or stderr tail
    exit_code: int | None
    job_id: str
    log_stream: str
    at: AwareDatetime
    start: int | None = None  # the task's bytes [start, end) of its stage's input, as CheckOutput looks them up
    end: int | None = None
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


class Counts(Record):
    """What the tasks of a branch come to; records and bytes are those of the tasks that are done."""

    tasks: int
    done: int
    records_in: int
    records_out: int
    bytes_in: int
    bytes_out: int


class BranchFinding(Counts):
    """What CheckOutput found of one branch."""

    branch: str
    output: str | None  # key of the merged object
    failures: list[Failure]  # of this attempt, a handful at most; `missing` says how many there are
    missing: int
    problem: _Words | None
    checks: list[CheckResult] = []  # of its figures, once it is complete

    @property
    def is_final(self) -> bool:
        """Return whether its outputs are all there, and wrong: a resume would find them as they are."""
        return self.problem is not None or any(result.verdict is FigureVerdict.FAILED for result in self.checks)


class Finding(Record):
    """`check-<attempt>.json`: CheckOutput's whole finding; the state machine carries only its verdict."""

    contract: Literal[1] = 1
    run: str
    stage: str
    attempt: int
    verdict: CheckVerdict
    reason: _Words
    branches: list[BranchFinding]
    warnings: list[_Words] = []  # what the run's owner should know although nothing is wrong


class Outcome(Record):
    """`outcomes/<execution>.json`: what an execution came to, as its notice reports it.

    It is written before the notice is sent, and again once it is out.
    """

    contract: Literal[1] = 1
    run: str
    execution: str
    status: RunStatus
    reason: _Words
    started_at: AwareDatetime
    ended_at: AwareDatetime
    results: list[str]
    warnings: list[_Words] = []  # of figures that are out of their bounds
    cost: Bill | None = None  # of this execution; None where it could not be measured
    estimate: float | None = None  # dollars
    sending_until: int | None = None  # Unix second until which its notice may be on its way; None: it is out
