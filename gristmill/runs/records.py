"""The JSON records of a run in S3. They are contracts between the functions, the children and the command line."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from gristmill.enums import CheckVerdict, FigureVerdict, RunStatus
from gristmill.keys import GIVEN, INPUTS, Dropped, parse_input
from gristmill.limits import FENCE_MAX, GENERATIONS_MAX
from gristmill.pipeline.inputs import mates_input
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.stage import Stage
from gristmill.runs.checks import CheckResult
from gristmill.runs.evidence import Failure
from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.schema import Record, Words

CONTRACT: Literal[3] = 3  # of where a run's objects lie; runs of earlier contracts are shown, and cannot be resumed

Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]

_SHOWN = 12  # digits of a digest or a commit that people are shown

NO_IMAGE = "none"  # what a stack names whose jobs are processes of one machine


class InputObject(Record):
    """The object version that a run's tasks are cut from; bytes, never the key's newest version."""

    bucket: str
    key: Annotated[str, StringConstraints(pattern=f"^({'|'.join(GIVEN)})")]
    version: str | None
    etag: str
    size: int
    sequencer: str


class Libraries(Record):
    """The libraries of a run's code for one Python and platform, pinned."""

    object: ObjectVersion
    digest: Sha256


class Code(Record):
    """Which code a run is made by, and where the run keeps it (None: in a plan, or where a drop is refused)."""

    digest: Sha256
    sources: Sha256  # of all but pipeline.yaml, whose fields count each by itself in fingerprints
    version: int | None = None  # number of the push; None: the folder was not pushed
    built_in: bool
    git_commit: str | None = None  # of the folder when it was pushed
    dirty: bool = False  # it differed from that commit
    object: ObjectVersion | None = None  # `code.zip`
    lock: Sha256 | None = None  # of the lock file of its libraries
    libraries: dict[str, Libraries] = Field(default_factory=dict)  # by Python and platform

    @property
    def headline(self) -> str:
        """Return which code it is, as people read it: how its digest begins, and where it comes from."""
        return f"{self.short} ({self.origin})"

    @property
    def short(self) -> str:
        """Return how its digest begins: the same for the same files, wherever they come from."""
        return self.digest[:_SHOWN]

    @property
    def origin(self) -> str:
        """Return where it comes from, in words."""
        kind = "built in" if self.built_in else "not pushed" if self.version is None else f"version {self.version}"
        commit = f", commit {self.git_commit[:_SHOWN]}" if self.git_commit else ""
        return f"{kind}{commit}{' and changes since' if self.dirty and commit else ''}"


class Bill(Record):
    """What a run costs, or would: usage and US dollars by item; `counted` names what was not derived or assumed."""

    contract: Literal[1] = 1
    region: str
    prices_of: date
    usage: dict[str, float]
    dollars: dict[str, float]
    total: float
    counted: list[str]


class LeftOut(Record):
    """How many of a branch's tasks were left out, and a digest of which."""

    count: Annotated[int, Field(ge=1)]
    tasks: Annotated[int, Field(ge=1)]
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]

    @staticmethod
    def total(found: Iterable["LeftOut"]) -> str:
        """Return how many tasks of how many were left out of several branches."""
        each = list(found)
        return f"{sum(left.count for left in each):,} of {sum(left.tasks for left in each):,} left out"


class RunRecord(Record):
    """`run.json`: who owns the run, and everything it needs, frozen when it was claimed."""

    contract: Literal[1, 2, 3] = 1
    run: str
    execution: str  # ARN of the execution that owns the run
    fence: Annotated[int, Field(ge=1, le=FENCE_MAX)] = 1  # grows by one with each execution that takes the run over
    complete: bool = False  # its success is recorded: it cannot be taken over any more
    closed: bool = False  # its owner ended otherwise: a success that is late is none, until somebody takes it over
    claimed_at: AwareDatetime
    owner: str
    dropped: Dropped  # pipeline and name, by the key that was dropped
    input: InputObject
    inputs: dict[str, ObjectVersion] = Field(default_factory=dict)  # beside it, by the pipeline's names
    pipeline: Pipeline | None  # None where the drop is refused
    parameters: dict[str, JsonValue]
    definitions: dict[str, str] = Field(default_factory=dict)  # ARN of each branch's job definition
    images: dict[str, str] = Field(default_factory=dict)  # of each branch's jobs, as that definition names it
    code: Code | None = None  # None in runs of earlier versions, and of an unknown pipeline
    skipped: dict[str, Words] = Field(default_factory=dict)  # stages that are left out, and why
    empty: list[str] = Field(default_factory=list)  # branches that list nothing, so that nothing reads them
    given: dict[str, str] = Field(default_factory=dict)  # what the drop gave, as user metadata has it
    max_cost: float | None = None  # dollars; None: no ceiling
    faults: list[Words]
    generation: Annotated[int, Field(ge=0, le=GENERATIONS_MAX)] = 0  # grows by one with each resume with changes
    fingerprints: dict[str, Fingerprint] = Field(default_factory=dict)  # of what each branch computes
    cuts: dict[str, Fingerprint] = Field(default_factory=dict)  # of what each stage reads, and how it is cut
    left_out: dict[str, LeftOut] = Field(default_factory=dict)  # tasks that failed and are tolerated, by branch
    tags: dict[str, str] = Field(default_factory=dict)
    batch: str | None = None  # what the runs that belong together call themselves

    @model_validator(mode="before")
    @classmethod
    def _read_first_contract(cls, given: object) -> object:
        """Read a record of contract 1, which has the number of resumes where later ones have the fence."""
        resumes = given.get("resumes") if isinstance(given, dict) else None
        if not isinstance(given, dict) or type(resumes) is not int:
            return given
        return {name: value for name, value in given.items() if name != "resumes"} | {"fence": resumes + 1}

    @model_validator(mode="before")
    @classmethod
    def _read_before_notes(cls, given: object) -> object:
        """Read a record of before there were drop notes: what was dropped is the input itself."""
        read = given.get("input") if isinstance(given, dict) else None
        key = read.get("key") if isinstance(read, dict) else getattr(read, "key", None)
        if not isinstance(given, dict) or "dropped" in given or not (isinstance(key, str) and key.startswith(INPUTS)):
            return given
        return {**given, "dropped": parse_input(key)}

    @property
    def image_names(self) -> list[str]:
        """Return the images of the run's jobs, each once."""
        return list(dict.fromkeys(image for image in self.images.values() if image not in ("", NO_IMAGE)))

    @property
    def resumes(self) -> int:
        """Return how often an execution has taken the run over."""
        return self.fence - 1


def mates_of(record: RunRecord, stage: Stage) -> ObjectVersion | None:
    """Return the mates of what a stage reads, cut at the same records; None where it reads no pairs."""
    name = mates_input(record.pipeline.inputs) if record.pipeline and stage.reads is None else None
    return record.inputs.get(name) if name else None


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
    missing: int  # without those that are left out
    left_out: int = 0
    memory: int = 0  # MiB of its containers in this attempt, where it has several steps
    out_of_memory: bool = False  # one of them ran out of it
    problem: Words | None
    checks: list[CheckResult] = Field(default_factory=list)  # of its figures, once it is complete

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
    reason: Words
    branches: list[BranchFinding]
    warnings: list[Words] = Field(default_factory=list)  # what the run's owner should know although nothing is wrong

    def of_branch(self, branch: str) -> BranchFinding | None:
        """Return what was found of a branch; of several outputs, with what they come to together."""
        found = [finding for finding in self.branches if finding.branch.partition(".")[0] == branch]
        if len(found) < 2:
            return found[0] if found else None
        together = {name: sum(getattr(each, name) for each in found) for name in ("records_out", "bytes_out")}
        problem = next((each.problem for each in found if each.problem), None)
        checks = [result for each in found for result in each.checks]
        return found[0].model_copy(update={**together, "branch": branch, "problem": problem, "checks": checks})


class Outcome(Record):
    """`outcomes/<execution>.json`: what an execution came to, as its notice reports it.

    It is written before the notice is sent, and again once it is out.
    """

    contract: Literal[1] = 1
    run: str
    execution: str
    status: RunStatus
    reason: Words
    started_at: AwareDatetime
    ended_at: AwareDatetime
    results: list[str]
    warnings: list[Words] = Field(default_factory=list)  # of figures that are out of their bounds
    cost: Bill | None = None  # of this execution; None where it could not be measured
    estimate: float | None = None  # dollars
    sending_until: int | None = None  # Unix second until which its notice may be on its way; None: it is out
