"""`report.json`: a closed, versioned record. Times have their zone, durations are seconds, sizes are bytes."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, JsonValue

from gristmill.enums import FigureVerdict, RunStatus
from gristmill.pipeline.check import Check
from gristmill.report.work import StageReport
from gristmill.runs.chained import Ancestor, Chained
from gristmill.runs.code import Code
from gristmill.runs.records import Bill
from gristmill.runs.schema import Record
from gristmill.runs.usage import Software

_DIALECT = "https://json-schema.org/draft/2020-12/schema"  # what pydantic writes


class Object(Record):
    """An object in S3 as it was when the report was made; `checksum` is S3's own, where it keeps one."""

    key: str
    size: int
    etag: str
    version: str | None = None
    checksum: str | None = None  # "CRC32 <base64>" and the like; "of parts" where it is one of parts' checksums


class Step(Record):
    """A state of the state machine, from its entry to its exit."""

    name: str
    began: datetime
    ended: datetime


class Bin(Record):
    """How many containers of a branch were queued, starting and running at a moment."""

    at: datetime
    queued: int
    starting: int
    running: int


class BranchTimeline(Record):
    """A branch over the time of one execution."""

    stage: str
    branch: str
    bins: list[Bin]


class Execution(Record):
    """One execution of the state machine: the first, or a resume."""

    name: str
    status: RunStatus
    reason: str
    started: datetime
    ended: datetime
    steps: list[Step]
    lanes: list[BranchTimeline]


class Picture(Record):
    """A picture that the pipeline made."""

    key: str
    size: int
    embedded: bool


class Table(Record):
    """The first rows of a table among the results; long cells are cut."""

    key: str
    rows: list[list[str]]
    more_rows: bool
    more_columns: bool


class CheckReport(Record):
    """A check of a figure, and what was found of it; `verdict` is None where its stage was not checked."""

    stage: str
    check: Check
    value: int | float | None
    verdict: FigureVerdict | None
    problem: str  # why there is no number


class ItemReport(Record):
    """An item of a batch that has ended: its run, which has a report of its own, and what it came to."""

    item: int
    name: str
    run: str
    status: RunStatus
    reason: str
    started: datetime
    ended: datetime
    cost: float | None  # dollars
    figures: dict[str, int | float | None]


class Report(Record):
    """All that is known of a run when one of its executions has ended."""

    contract: Literal[1] = 1
    made: datetime
    made_by: Software
    bucket: str
    run: str
    pipeline: str
    name: str
    owner: str
    description: str
    status: RunStatus
    reason: str
    faults: list[str]
    generation: int = 0  # grew by one with each resume with changes
    parameters: dict[str, JsonValue]
    code: Code | None = None
    input: Object
    inputs: dict[str, Object] = Field(default={})  # beside it, by the pipeline's names
    started: datetime
    ended: datetime
    executions: list[Execution]  # the one that ended now comes last
    stages: list[StageReport]
    checks: list[CheckReport] = Field(default=[])
    warnings: list[str] = Field(default=[])  # a line for each figure out of its bounds, though the run went on
    results: list[Object]
    results_count: int
    results_size: int
    pictures: list[Picture]
    tables: list[Table]
    items_count: int | None = None  # of a batch
    items: list[ItemReport] = Field(default=[])  # those that have ended, each as it ended last
    cost: Bill | None  # of all executions
    estimate: float | None  # dollars
    origin: list[Ancestor] = Field(default=[])  # the runs that led to it by `then`, oldest first
    then: list[Chained] = Field(default=[])  # what it has started, or why not
    left_out: list[str]  # what is not in this report, and why


def schema() -> dict[str, Any]:
    """Return the JSON Schema of `report.json`."""
    return {"$schema": _DIALECT, **Report.model_json_schema(mode="serialization"), "title": "Gristmill report.json"}
