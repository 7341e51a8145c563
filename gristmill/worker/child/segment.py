"""The open segment: outputs of consecutive tasks in a temporary file, until it is sealed."""

import os
from dataclasses import InitVar, dataclass, field
from tempfile import TemporaryFile
from typing import IO

from gristmill.clock import REAL, Clock
from gristmill.errors import GristmillError, Refused
from gristmill.keys import Span
from gristmill.limits import SEGMENT_BYTES, SEGMENT_SECONDS, SEGMENT_TASKS, UPLOAD_ONE_PUT
from gristmill.runs.coverage import is_same_header
from gristmill.runs.evidence import Receipt
from gristmill.storage import Storage
from gristmill.worker.child.setting import ChildSetting


class SegmentLost(GristmillError):
    """Raised when a job has closed the file of the open segment: what it held of other tasks is lost."""


@dataclass
class Segment:
    """Tasks from `first` on. Only `seal` makes anything visible: the segment, then its receipt."""

    first: int
    clock: Clock = REAL
    file: IO[bytes] = field(default_factory=TemporaryFile)
    began: InitVar[float | None] = None  # Unix seconds; None: now
    started: float = field(init=False)
    offsets: list[int] = field(default_factory=lambda: [0])
    bytes_in: list[int] = field(default_factory=list)
    records_in: list[int] = field(default_factory=list)
    records_out: list[int] = field(default_factory=list)
    header: str | None = None

    def __post_init__(self, began: float | None) -> None:
        self.started = self.clock.unix() if began is None else began
        self._identity = _identity(self.file)

    def check(self) -> None:
        """Raise SegmentLost where the file is no longer the one that was opened."""
        try:
            if _identity(self.file) == self._identity:
                return
        except (OSError, ValueError):
            pass
        raise SegmentLost(
            "the job closed files that it had not opened, the outputs of tasks among them: this child cannot go on",
            "Close only what the job itself has opened.",
        )

    @property
    def end(self) -> int:
        """Return the task after the last one done."""
        return self.first + len(self.bytes_in)

    def add(self, size: int, bytes_in: int, records_in: int, records_out: int, header: str = "") -> None:
        """Add the next task, which is done and wrote `size` bytes behind its header; Refused if that header differs.

        A task that wrote nothing has none.
        """
        if header or size:
            if self.header is not None and not is_same_header(self.header, header):
                others = f"that of the tasks before it, {self.header!r}"
                raise Refused([f"the task's header {header!r} differs from {others}"], "Write the same in every task.")
            self.header = max(header, self.header or "")
        self.offsets.append(self.offsets[-1] + size)
        self.bytes_in.append(bytes_in)
        self.records_in.append(records_in)
        self.records_out.append(records_out)

    def roll_back(self) -> None:
        """Drop what the current task has written."""
        self.file.seek(self.offsets[-1])
        self.file.truncate()

    def is_due(self, age: float) -> bool:
        """Return whether the segment is large enough, of so many tasks, or of an `age` in seconds, to be sealed."""
        full = self.offsets[-1] >= SEGMENT_BYTES or len(self.bytes_in) >= SEGMENT_TASKS
        return full or self.clock.unix() - self.started >= max(SEGMENT_SECONDS, age)

    def seal(self, store: Storage, setting: ChildSetting) -> None:
        """Commit the tasks done so far, and close the file; nothing is written if no task is done."""
        if self.bytes_in:
            span = Span(self.first, self.end)
            etag = self._put(store, setting.keys.segment(span))
            receipt = self._receipt(setting, etag).model_dump_json().encode()
            store.put(setting.keys.receipt(span), receipt)
        self.file.close()

    def _put(self, store: Storage, key: str) -> str:
        self.file.seek(0)
        if self.offsets[-1] <= UPLOAD_ONE_PUT:
            return store.put(key, self.file.read())
        return store.upload(key, self.file)

    def _receipt(self, setting: ChildSetting, etag: str) -> Receipt:
        return Receipt(
            first=self.first,
            end=self.end,
            attempt=setting.cursor.attempt,
            etag=etag,
            job_id=setting.job_id,
            log_stream=setting.log_stream,
            started=self.started,
            ended=self.clock.unix(),
            offsets=self.offsets,
            bytes_in=self.bytes_in,
            records_in=self.records_in,
            records_out=self.records_out,
            header=self.header or "",
        )


def _identity(file: IO[bytes]) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino
