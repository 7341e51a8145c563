"""A world: everything that a history takes place in, made anew from its seed."""

from collections import Counter
from typing import Any

from gristmill import keys
from gristmill.runs.evidence import Receipt
from gristmill.runs.locations import branch_keys
from gristmill.runs.records import RunRecord
from tests.simulation import laws
from tests.simulation.batch import Batch
from tests.simulation.batch_client import BatchClient
from tests.simulation.bucket import Bucket
from tests.simulation.children import Children
from tests.simulation.drops import PLAIN, Dropped, dropped, event_of
from tests.simulation.executions import Execution
from tests.simulation.functions import Functions
from tests.simulation.integrations import Integrations
from tests.simulation.kernel import Kernel, Process
from tests.simulation.mail import Mail
from tests.simulation.nodes import Nodes
from tests.simulation.script import Script
from tests.simulation.seams import parse
from tests.simulation.states import States
from tests.simulation.states_client import StatesClient
from tests.simulation.table import Table
from tests.simulation.trouble import Trouble
from tests.simulation.wire import Wire

NOBODY = Process("-", "nobody")


class World:
    """One history's world. `violations` has the laws that were broken, and how."""

    def __init__(self, seed: int, only: frozenset[str] | None = None, script: Script | None = None) -> None:
        self.seed, self.kernel = seed, Kernel(seed)
        self.trouble = Trouble(self.kernel.random, only)
        self.script = script or Script()
        self.script.world = self
        self.wire, self.bucket = Wire(self), Bucket(self)
        self.children, self.nodes = Children(self), Nodes(self)
        self.batch = Batch(self, self.children.run)
        self.states, self.functions = States(self), Functions(self)
        self.integrations, self.mail, self.table = Integrations(self), Mail(self), Table(self)
        self.clients: dict[str, Any] = {
            "s3": self.bucket,
            "batch": BatchClient(self),
            "stepfunctions": StatesClient(self),
            "sns": self.mail,
            "events": self.mail,
            "logs": self.mail,
            "dynamodb": self.table,
        }
        self.drops: dict[str, Dropped] = {}
        self.violations: list[tuple[str, str]] = []
        self.memory = laws.Memory()
        self.is_changed = False  # the author has changed the pipeline
        self._tries: Counter[int] = Counter()

    def process(self, name: str, kind: str, run: str = "", execution: str = "") -> Process:
        """Return a new process, perhaps a slow one, or one whose clock is wrong."""
        made, random = Process(name, kind, run, execution), self.kernel.random
        if self.kernel.chance(self.trouble.of("slow")):
            made.slow = 10 ** random.uniform(1, 4)
        if self.kernel.chance(self.trouble.of("skewed clocks")):
            made.skew = random.uniform(-300, 300) if kind == "container" else random.uniform(-2, 2)
        return made

    @property
    def by(self) -> Process:
        """Return the process that acts now."""
        return self.kernel.current.process if self.kernel.current else NOBODY

    def note(self, fact: Any) -> None:
        """Hold a fact against the laws."""
        for name, law in laws.of(type(fact)):
            broken = law(self, fact)
            if broken:
                self.violations.append((name, broken))
                self.kernel.log(f"*** {name}: {broken}")

    def drop(self, pipeline: str, body: bytes, metadata: dict[str, str], name: str = PLAIN) -> Dropped:
        """Put a file into the bucket; its event is still to come."""
        key = keys.input_key(pipeline, name)
        self.bucket.put_object(Bucket="", Key=key, Body=body, Metadata=metadata)
        made = self.bucket.objects[key]
        event = event_of(key, body, made.etag, made.version)
        found = dropped(event, pipeline, name, body, metadata)
        self.drops[found.run] = found
        return found

    def record(self, run: str) -> RunRecord | None:
        """Return a run's record as it stands."""
        found = self.bucket.objects.get(keys.run_record(run))
        return parse(RunRecord, found.body) if found else None

    def owner(self, run: str) -> Execution | None:
        record = self.record(run)
        return self.states.executions[record.execution] if record else None

    def committed(self, run: str, stage: str, branch: str) -> set[int]:
        """Return the tasks of a branch that have a receipt of the segment that is there."""
        record, found, objects = self.record(run), set[int](), self.bucket.objects
        if record is None:
            return found
        place = branch_keys(record, stage, branch)
        for key in [key for key in objects if key.startswith(place.receipts)]:
            receipt = parse(Receipt, objects[key].body)
            span = keys.Span(receipt.first, receipt.end)
            there = {output: objects.get(place.segment_of(span, output)) for output in receipt.written}
            if all(segment and segment.etag == receipt.written[output].etag for output, segment in there.items()):
                found |= set(range(receipt.first, receipt.end))
        return found

    def tries_of(self, task: int) -> int:
        """Count a try of a task; return how many there were."""
        self._tries[task] += 1
        return self._tries[task]

    def is_right(self, run: str) -> bool:
        """Return whether every result of a run is there, and right, but for what was damaged since its merge."""
        objects, drop, damaged = self.bucket.objects, self.drops[run], self.memory.damaged
        return drop.may_succeed and all(
            key in damaged or (key in objects and right(objects[key].body)) for key, right in drop.right.items()
        )
