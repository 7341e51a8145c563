"""The task loop: one streamed request per stretch of input, a failing task harms only itself."""

import io
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

from batch_jobs.child.deadline import Terminated, deadline
from batch_jobs.child.segment import Segment
from batch_jobs.child.setting import Setting
from batch_jobs.child.streams import Sink, Source
from batch_jobs.child.worklist import Stretch, stretches
from gristmill import keys
from gristmill.limits import MIB
from gristmill.records import Failure
from gristmill.source import Source as Input
from gristmill.store import Store

Job = Callable[[BinaryIO, BinaryIO, Mapping[str, Any]], None]
_BUFFER = 1 * MIB
_DETAIL = 4_000  # characters of traceback kept: its end tells the most
_REASON = 500
_PROGRESS_SECONDS = 5.0


@dataclass
class Runner:
    """A child at work. `run` returns how many tasks were done and how many failed."""

    store: Store
    setting: Setting
    input: Input
    job: Job
    parameters: Mapping[str, Any]
    timeout: float
    log: Callable[[str], None]
    done: int = 0
    failed: int = 0
    _told: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Work through all of the child's tasks."""
        for stretch in stretches(self.store, self.setting):
            self._stretch(stretch)

    def _stretch(self, stretch: Stretch) -> None:
        first, last = stretch.offsets[0], stretch.offsets[-1]
        segment = Segment(stretch.first)
        with self.store.open_range(self.input.key, first, last, self.input.version) as stream:
            try:
                for task in range(stretch.first, stretch.end):
                    size = stretch.offsets[task + 1 - stretch.first] - stretch.offsets[task - stretch.first]
                    if not self._task(segment, task, stream, size) or segment.is_due():
                        segment.seal(self.store, self.setting)
                        segment = Segment(task + 1)
                    self._tell_progress()
            except Terminated:
                segment.roll_back()
                segment.seal(self.store, self.setting)
                raise
        segment.seal(self.store, self.setting)

    def _task(self, segment: Segment, task: int, stream: BinaryIO, size: int) -> bool:
        """Run one task; tell whether it is done. Whatever it raises is the task's own failure."""
        source, sink = Source(stream, size), Sink(segment.file)
        try:
            with deadline(self.timeout, lambda: self._fail(task, f"ran past its timeout of {self.timeout:g} s", "")):
                self._call(source, sink)
        except Exception as error:  # noqa: BLE001 - a job may raise anything, and the other tasks go on
            segment.roll_back()
            self._fail(task, f"{type(error).__name__}: {error}", traceback.format_exc())
            source.drain()
            return False
        source.drain()
        segment.add(sink.size, size, source.records, sink.records)
        self.done += 1
        return True

    def _call(self, source: Source, sink: Sink) -> None:
        writer = io.BufferedWriter(sink, _BUFFER)
        self.job(io.BufferedReader(source, _BUFFER), writer, self.parameters)
        writer.flush()

    def _fail(self, task: int, reason: str, detail: str) -> None:
        self.failed += 1
        self.log(f"task {task} failed: {reason}\n{detail}".rstrip())
        cursor, branch = self.setting.cursor, self.setting.branch
        failure = Failure(
            stage=cursor.stage,
            branch=branch,
            task=task,
            attempt=cursor.attempt,
            reason=reason[:_REASON],
            detail=detail[-_DETAIL:],
            exit_code=None,
            job_id=self.setting.job_id,
            log_stream=self.setting.log_stream,
            at=datetime.now(UTC),
        )
        key = keys.failure(cursor.run, cursor.stage, branch, task, cursor.attempt)
        self.store.put(key, failure.model_dump_json().encode())

    def _tell_progress(self) -> None:
        if time.monotonic() - self._told >= _PROGRESS_SECONDS:
            self._told = time.monotonic()
            self.log(f"{self.done} tasks done, {self.failed} failed")
