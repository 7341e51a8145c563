"""The open segment: outputs of consecutive tasks in a temporary file, until it is sealed."""

import os
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from gristmill.clock import REAL, Clock
from gristmill.errors import GristmillError, Refused
from gristmill.keys import Span
from gristmill.limits import SEGMENT_BYTES, SEGMENT_SECONDS, SEGMENT_TASKS, UPLOAD_ONE_PUT
from gristmill.runs.coverage import is_same_header
from gristmill.runs.evidence import Receipt, Written
from gristmill.storage import Storage
from gristmill.worker.child.setting import ChildSetting


class SegmentLost(GristmillError):
    """Raised when a job has closed the file of the open segment: what it held of other tasks is lost."""


class Made(NamedTuple):
    """What a task wrote of an output behind its header."""

    size: int
    records: int
    header: str = ""


@dataclass
class Part:
    """What the open segment has of one output."""

    file: IO[bytes] = field(default_factory=TemporaryFile)
    offsets: list[int] = field(default_factory=lambda: [0])
    records_out: list[int] = field(default_factory=list)
    header: str | None = None

    def __post_init__(self) -> None:
        self._identity = _identity(self.file)

    def is_same(self) -> bool:
        """Return whether its file is the one that was opened."""
        try:
            return _identity(self.file) == self._identity
        except (OSError, ValueError):
            return False

    def check(self, made: Made) -> None:
        """Raise Refused where a task's header is not that of the tasks before it; one that wrote nothing has none."""
        if (made.header or made.size) and self.header is not None and not is_same_header(self.header, made.header):
            others = f"that of the tasks before it, {self.header!r}"
            raise Refused([f"the task's header {made.header!r} differs from {others}"], "Write the same in every task.")

    def add(self, made: Made) -> None:
        """Add what the next task wrote."""
        if made.header or made.size:
            self.header = max(made.header, self.header or "")
        self.offsets.append(self.offsets[-1] + made.size)
        self.records_out.append(made.records)

    def roll_back(self) -> None:
        """Drop what the current task has written."""
        self.file.seek(self.offsets[-1])
        self.file.truncate()

    def put(self, store: Storage, key: str) -> Written:
        """Write the segment; return what is to be committed of it."""
        self.file.seek(0)
        whole = self.offsets[-1] <= UPLOAD_ONE_PUT
        etag = store.put(key, self.file.read()) if whole else store.upload(key, self.file)
        return Written(etag=etag, offsets=self.offsets, records_out=self.records_out, header=self.header or "")


@dataclass
class Segment:
    """Tasks from `first` on. Only `seal` makes anything visible: the segment of each output, then their receipt."""

    first: int
    clock: Clock = REAL
    parts: dict[str, Part] = field(default_factory=lambda: {"": Part()})  # by output; the only one has no name
    began: InitVar[float | None] = None  # Unix seconds; None: now
    started: float = field(init=False)
    bytes_in: list[int] = field(default_factory=list)
    records_in: list[int] = field(default_factory=list)

    def __post_init__(self, began: float | None) -> None:
        self.started = self.clock.unix() if began is None else began

    def check(self) -> None:
        """Raise SegmentLost where a file is no longer the one that was opened."""
        if not all(part.is_same() for part in self.parts.values()):
            raise SegmentLost(
                "the job closed files that it had not opened, the outputs of tasks among them: this child cannot go on",
                "Close only what the job itself has opened.",
            )

    @property
    def end(self) -> int:
        """Return the task after the last one done."""
        return self.first + len(self.bytes_in)

    def add(self, bytes_in: int, records_in: int, made: Mapping[str, Made]) -> None:
        """Add the next task, which is done and has made this of each output; Refused if a header differs."""
        for name, part in self.parts.items():
            part.check(made[name])
        for name, part in self.parts.items():
            part.add(made[name])
        self.bytes_in.append(bytes_in)
        self.records_in.append(records_in)

    def roll_back(self) -> None:
        """Drop what the current task has written."""
        for part in self.parts.values():
            part.roll_back()

    def is_due(self, age: float) -> bool:
        """Return whether the segment is large enough, of so many tasks, or of an `age` in seconds, to be sealed."""
        size = sum(part.offsets[-1] for part in self.parts.values())
        full = size >= SEGMENT_BYTES or len(self.bytes_in) >= SEGMENT_TASKS
        return full or self.clock.unix() - self.started >= max(SEGMENT_SECONDS, age)

    def seal(self, store: Storage, setting: ChildSetting) -> None:
        """Commit the tasks done so far, and close the files; nothing is written if no task is done."""
        if self.bytes_in:
            span = Span(self.first, self.end)
            keys = setting.keys
            written = {name: part.put(store, keys.segment_of(span, name)) for name, part in self.parts.items()}
            store.put(keys.receipt(span), self._receipt(setting, written).model_dump_json().encode())
        for part in self.parts.values():
            part.file.close()

    def _receipt(self, setting: ChildSetting, written: dict[str, Written]) -> Receipt:
        (output, own), *others = written.items()
        return Receipt(
            first=self.first,
            end=self.end,
            attempt=setting.cursor.attempt,
            etag=own.etag,
            job_id=setting.job_id,
            log_stream=setting.log_stream,
            started=self.started,
            ended=self.clock.unix(),
            offsets=own.offsets,
            bytes_in=self.bytes_in,
            records_in=self.records_in,
            records_out=own.records_out,
            header=own.header,
            output=output,
            others=dict(others),
        )


def _identity(file: IO[bytes]) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino
