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

from gristmill.enums import RunKind, RunStatus
from gristmill.keys import GIVEN, INPUTS, Dropped, parse_input
from gristmill.limits import AT_ONCE_MAX, BATCH_ITEMS_MAX, FENCE_MAX, GENERATIONS_MAX
from gristmill.pipeline.inputs import mates_input
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.stage import Stage
from gristmill.runs.chained import Ancestor, Chained
from gristmill.runs.code import Code
from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.schema import Record, Words

CONTRACT: Literal[3] = 3  # of where a run's objects lie; runs of earlier contracts are shown, and cannot be resumed

Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


NO_IMAGE = "none"  # what a stack names whose jobs are processes of one machine


class InputObject(Record):
    """The object version that a run's tasks are cut from; bytes, never the key's newest version."""

    bucket: str
    key: Annotated[str, StringConstraints(pattern=f"^({'|'.join(GIVEN)})")]
    version: str | None
    etag: str
    size: int
    sequencer: str
    sha256: str = ""  # as S3 has verified it; empty where it has none


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


class ItemList(Record):
    """The items of a batch as they were frozen, how many there are, and how many of their runs go on at once."""

    object: ObjectVersion
    count: Annotated[int, Field(ge=1, le=BATCH_ITEMS_MAX)]
    at_once: Annotated[int, Field(ge=1, le=AT_ONCE_MAX)]


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
    no_cache: bool = False  # nothing of other runs is reused
    faults: list[Words]
    generation: Annotated[int, Field(ge=0, le=GENERATIONS_MAX)] = 0  # grows by one with each resume with changes
    fingerprints: dict[str, Fingerprint] = Field(default_factory=dict)  # of what each branch computes
    cuts: dict[str, Fingerprint] = Field(default_factory=dict)  # of what each stage reads, and how it is cut
    left_out: dict[str, LeftOut] = Field(default_factory=dict)  # tasks that failed and are tolerated, by branch
    tags: dict[str, str] = Field(default_factory=dict)
    batch: str | None = None  # what the runs that belong together call themselves; of an item, the run of its batch
    origin: list[Ancestor] = Field(default_factory=list)  # the runs that led to it by `then`, oldest first
    kind: RunKind = RunKind.RUN
    items: ItemList | None = None  # of a batch that is not refused
    item: int | None = None  # the number that an item has in its batch
    round: int = 1  # in which it was fed: each resume of the batch is one more

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


def of_items(record: RunRecord) -> RunRecord:
    """Return a batch's record as if its pipeline had no stages, for it runs none of them itself; any other as it is."""
    if record.kind is not RunKind.BATCH or record.pipeline is None:
        return record
    return record.model_copy(update={"pipeline": record.pipeline.model_copy(update={"stages": [], "checks": []})})


def mates_of(record: RunRecord, stage: Stage) -> ObjectVersion | None:
    """Return the mates of what a stage reads, cut at the same records; None where it reads no pairs."""
    name = mates_input(record.pipeline.inputs) if record.pipeline and stage.reads is None else None
    return record.inputs.get(name) if name else None


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
    then: list[Chained] = Field(default_factory=list)  # what it started
    sending_until: int | None = None  # Unix second until which its notice may be on its way; None: it is out
