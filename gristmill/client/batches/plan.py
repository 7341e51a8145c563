"""What a batch would do: each item checked as its Split would check it, and priced, before anything is uploaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gristmill import keys
from gristmill.batches.items import shown
from gristmill.chunks.cutting import ensure_index
from gristmill.client.batches.expand import Given, PlannedItem
from gristmill.client.drop.upload import upload_key
from gristmill.code.source import Source
from gristmill.cost.bill import bill
from gristmill.cost.ceiling import over_ceiling
from gristmill.cost.estimate import StageInput, estimate, recut
from gristmill.cost.span import Span, span_of
from gristmill.errors import Refused
from gristmill.pipeline.lists import as_given
from gristmill.runs.drop import Drop
from gristmill.runs.locations import frozen, stage_keys
from gristmill.runs.note import DropNote, NotedObject
from gristmill.runs.records import Bill, RunRecord, mates_of
from gristmill.steps.split.claimant import Claimant, RunLimits
from gristmill.steps.split.preparing import prepare
from gristmill.storage import Storage
from gristmill.storage.one_file import OneFileStorage

_NOTHING = "Nothing was uploaded."


@dataclass(frozen=True)
class Priced:
    """An item with the parameters that its run would have, and what that would cost and take."""

    item: PlannedItem
    parameters: Mapping[str, Any]
    bill: Bill
    span: Span


@dataclass(frozen=True)
class BatchPlan:
    """All items of a batch, priced."""

    items: Sequence[Priced]
    at_once: int
    limits: RunLimits

    @property
    def dollars(self) -> float:
        """Return what all items are expected to cost."""
        return sum(priced.bill.total for priced in self.items)

    @property
    def seconds(self) -> float:
        """Return how long they take at least: as many at once as may run, within the vCPUs that there are."""
        spans = [priced.span for priced in self.items]
        lanes = min(self.at_once, len(spans))
        work = sum(spans, Span())
        busy = [work.vcpu_seconds.get(kind, 0) / most for kind, most in self.limits.max_vcpus.items() if most]
        return max([work.seconds / lanes, max(span.seconds for span in spans), *busy])


@dataclass
class Planner:
    """Plans items of one pipeline. `source` is its code, read once; `beyond` the bucket that keys are of."""

    source: Source
    owner: str
    limits: RunLimits
    beyond: Storage
    files: Mapping[str, Path]
    _cuts: dict[tuple[str, ...], StageInput] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._bucket = OneFileStorage(None, "", {}, None, self.files, self.beyond)
        self._claimant = Claimant("plan", datetime.now(UTC), (), self.limits)

    def plan(self, items: Sequence[PlannedItem], at_once: int) -> BatchPlan:
        """Return the plan of all items; Refused with every fault, and with each item that is there twice."""
        priced: list[Priced] = []
        faults: list[str] = []
        seen: dict[str, PlannedItem] = {}
        for item in items:
            record = self._record(item)
            faults += [f"{item.title}: {fault}" for fault in record.faults]
            first = seen.setdefault(_identity(record), item)
            if first is not item and not record.faults:
                faults.append(f"{item.title}: the same item as {first.title}")
            elif not record.faults:
                try:
                    priced.append(self._price(item, record))
                except Refused as refused:
                    faults += [f"{item.title}: {fault}" for fault in refused.advice]
        if faults:
            raise Refused(shown(faults), _NOTHING)
        return BatchPlan(priced, at_once, self.limits)

    def _record(self, item: PlannedItem) -> RunRecord:
        key = keys.note_key(self.source.pipeline.name, item.name)
        self._bucket.put(key, self._note(item))
        drop = Drop("", key, None, "", 0, "", "")
        record, _ = prepare(self._bucket, drop, self._claimant, lambda *_: (self.source, []))
        self._bucket.delete(key)
        return record

    def _note(self, item: PlannedItem) -> bytes:
        row = item.row
        inputs = {name: _noted(given) for name, given in row.inputs.items()}
        made = DropNote(contract=1, input=_noted(row.input), inputs=inputs, params=dict(item.params), owner=self.owner)
        return made.model_dump_json(exclude_none=True).encode()

    def _price(self, item: PlannedItem, record: RunRecord) -> Priced:
        pipeline, first, most = frozen(record), self._cut(record), self.limits.max_vcpus
        expected = bill(estimate(pipeline, record.parameters, first, most))
        if dear := over_ceiling(expected, record.max_cost):
            raise Refused(dear)
        return Priced(item, record.parameters, expected, span_of(pipeline, record.parameters, first, most))

    def _cut(self, record: RunRecord) -> StageInput:
        """Return how the first stage's input is cut; the same file that is cut in the same way is read once.

        A file that lies in the bucket is not fetched for it: its size alone is looked at.
        """
        stage = frozen(record).stages[0]
        mates = mates_of(record, stage)
        identity = (record.input.key, mates.key if mates else "", record.cuts[stage.name])
        if identity not in self._cuts:
            self._cuts[identity] = self._read_cut(record)
        return self._cuts[identity]

    def _read_cut(self, record: RunRecord) -> StageInput:
        stage, place = frozen(record).stages[0], stage_keys(record, frozen(record).stages[0].name)
        mates = mates_of(record, stage)
        if any(key not in self.files for key in (record.input.key, *([mates.key] if mates else []))):
            return recut(stage, record.parameters, StageInput(1, record.input.size, None))
        cut = ensure_index(self._bucket, record, stage)
        for key in (place.chunks, place.cut):
            self._bucket.delete(key)
        return StageInput(cut.tasks, record.input.size, cut.records)


def _noted(given: Given) -> NotedObject:
    return NotedObject(key=upload_key(given) if isinstance(given, Path) else given)


def _identity(record: RunRecord) -> str:
    inputs = {name: given.key for name, given in record.inputs.items()}
    return repr(
        (record.input.key, sorted(inputs.items()), sorted((n, as_given(v)) for n, v in record.parameters.items()))
    )
