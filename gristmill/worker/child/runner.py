"""The task loop: one streamed request per stretch of input, a failing task harms only itself."""

import gc
import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gristmill.limits import PROGRESS_SECONDS, SEGMENT_AGE_MIN
from gristmill.runs.pinned import StageCut
from gristmill.storage import Storage
from gristmill.task import Task
from gristmill.worker.child.deadline import Terminated, Termination, TimedOut, TimeLimit
from gristmill.worker.child.failure import Counted, JobFailed, count_input, failed, leave_failure
from gristmill.worker.child.feeds import Chunk, Feed
from gristmill.worker.child.in_step import stage_part
from gristmill.worker.child.inputs import MakeFeed
from gristmill.worker.child.job import Job
from gristmill.worker.child.meter import Tally
from gristmill.worker.child.outputs import OutputRules
from gristmill.worker.child.pairs import Mates
from gristmill.worker.child.process_state import ProcessState
from gristmill.worker.child.reasons import MORE_TIME
from gristmill.worker.child.segment import Made, Part, Segment, SegmentLost
from gristmill.worker.child.setting import ChildSetting
from gristmill.worker.child.sink import Sink
from gristmill.worker.child.worklist import Stretch, stretches
from process_tree.descendants import already_there, end_detached

_BUFFER = 64 * 1024  # bytes; larger writes pass it by
_RECORDED = 100  # failures recorded per child; the log has them all, and they most often say the same


@dataclass
class Runner:
    """A child at work; `tally` counts its tasks."""

    store: Storage
    setting: ChildSetting
    cut: StageCut
    feeds: MakeFeed
    outputs: Mapping[str, OutputRules]  # by name; the only one has none
    job: Job
    parameters: Mapping[str, Any]
    task: Task  # as every task of the child has it; its number, item and size are filled in
    timeout: float
    log: Callable[[str], None]
    termination: Termination = field(default_factory=Termination)
    time_limit: Callable[[float], TimeLimit] = TimeLimit
    apart: bool = False  # each task's output is a segment of its own
    tolerated: int = 0  # tasks of the branch that may be left out: what those were to read is counted
    segment_age: float = SEGMENT_AGE_MIN  # share of this child's age
    mates: Mates | None = None
    in_step: Mapping[str, Path] = field(default_factory=dict)  # where a task's parts of other branches are staged
    tally: Tally = field(default_factory=Tally)
    _refused: bool = False  # a task was refused, and its record says so
    _spared: list[int] = field(default_factory=list)  # processes that no task has started
    _state: ProcessState | None = None

    def __post_init__(self) -> None:
        self._clock = self.store.clock
        self._began = self._reported = self._clock.now()

    def run(self) -> None:
        """Work through all of the child's tasks."""
        self._spared = already_there()
        with self.time_limit(self.timeout) as limit:
            self._state = ProcessState()
            try:
                for stretch in stretches(self.store, self.setting, self.cut):
                    self._stretch(stretch, limit)
            finally:
                self._state.close()

    def _stretch(self, stretch: Stretch, limit: TimeLimit) -> None:
        feed = self.feeds(stretch.offsets[-1])
        segment = self._open(stretch.first)
        if self.mates:
            self.mates.begin(stretch)
        try:
            for task, start, end in stretch.tasks():
                done = self._task(segment, task, feed, start, end, limit)
                if not done or self.apart or segment.is_due(self._age()):
                    segment.seal(self.store, self.setting)
                    segment = self._open(task + 1)
                self._log_progress()
        except (Terminated, KeyboardInterrupt):
            segment.roll_back()
            segment.seal(self.store, self.setting)
            raise
        finally:
            self._drop(feed)
        segment.seal(self.store, self.setting)

    def _open(self, first: int) -> Segment:
        return Segment(first, self._clock, {name: Part() for name in self.outputs})

    def _task(self, segment: Segment, task: int, feed: Feed, start: int, end: int, limit: TimeLimit) -> bool:
        """Run one task; return whether it is done. Whatever it raises is the task's own failure."""
        sinks = {name: Sink(segment.parts[name].file, rules, task) for name, rules in self.outputs.items()}
        try:
            chunk = feed.chunk(start, end)
            numbered = replace(self.task, number=task, item=chunk.item, size=chunk.size)
            try:
                limit.call(
                    lambda: self._call(chunk, sinks, numbered, limit),
                    lambda reason: self._fail(task, JobFailed(f"{reason}. {MORE_TIME}")),
                )
            finally:
                self._restore(segment)
            chunk.finish()
            made = {name: Made(sink.size, sink.records, sink.header) for name, sink in sinks.items()}
            segment.add(chunk.size, chunk.records, made)
            size, records = (sum(counts) for counts in zip(*(part[:2] for part in made.values()), strict=True))
            self.tally.add(chunk.size, size, chunk.records, records)
        except SegmentLost as error:
            self._fail(task, JobFailed(str(error)))
            raise
        except (Exception, TimedOut) as error:  # noqa: BLE001 - one task's failure, whatever it is; the rest goes on
            _cut_off(sinks)
            self._drop(feed)
            segment.roll_back()
            failure = failed(error)
            counted = count_input(feed, start, end) if self.tolerated and failure.own else None
            self._fail(task, failure, counted)
            return False
        finally:
            end_detached(self._spared)
        return True

    def _drop(self, feed: Feed) -> None:
        """Close the streams of the inputs."""
        feed.drop()
        if self.mates:
            self.mates.drop()

    def _restore(self, segment: Segment) -> None:
        """Undo what the job has done to the process."""
        if self._state:
            self._state.restore()
        segment.check()

    def _call(self, chunk: Chunk, sinks: Mapping[str, Sink], task: Task, limit: TimeLimit) -> None:
        """Call the job; whatever it raises becomes a JobFailed within its time."""
        writers = {name: io.BufferedWriter(sink, _BUFFER) for name, sink in sinks.items()}
        given = writers.get("", writers)  # the only output, else one by each name
        holders = _references(writers)
        try:
            self.termination.call(lambda: self._work(chunk, given, task))
            _flush(writers, holders)
            for sink in sinks.values():
                sink.finish()
        except BaseException as error:
            if isinstance(error, TimedOut | Terminated) or limit.is_interrupted:
                raise
            raise failed(error) from None
        finally:
            _cut_off(sinks)

    def _work(self, chunk: Chunk, writer: Any, task: Task) -> None:
        mates = {self.mates.names[1]: self.mates.stage(task.number, chunk)} if self.mates else {}
        parts = {name: stage_part(chunk.beside[name], file) for name, file in self.in_step.items()}
        given = replace(task, inputs={**task.inputs, **mates, **parts})
        self.job(chunk.argument(), writer, self.parameters, given)

    def _fail(self, task: int, failure: JobFailed, counted: Counted | None = None) -> None:
        self.tally.failed += 1
        self.log(f"task {task} failed: {failure.reason}\n{failure.detail}".rstrip())
        is_first_refusal = failure.refused and not self._refused  # it ends the run, however many others have failed
        if self.tally.failed <= max(_RECORDED, self.tolerated) or is_first_refusal:
            leave_failure(self.store, self.setting, task, failure, self._clock.utc(), counted)
            self._refused |= failure.refused

    def _age(self) -> float:
        """Return the seconds that a segment may be open by now."""
        return self.segment_age * (self._clock.now() - self._began)

    def _log_progress(self) -> None:
        if self._clock.now() - self._reported >= PROGRESS_SECONDS:
            self._reported = self._clock.now()
            self.log(f"{self.tally.done} tasks done, {self.tally.failed} failed")


def _cut_off(sinks: Mapping[str, Sink]) -> None:
    for sink in sinks.values():
        sink.cut_off()


def _references(writers: Mapping[str, "io.BufferedWriter[Sink]"]) -> list[int]:
    """Return how many hold each writer."""
    return [sys.getrefcount(writers[name]) for name in writers]


def _flush(writers: Mapping[str, "io.BufferedWriter[Sink]"], holders: list[int]) -> None:
    """Flush writers, and first what a job has put around those that more hold than before it."""
    for name, before, after in zip(writers, holders, _references(writers), strict=True):
        writer = writers[name]
        if after > before:
            _flush_holders(writer)
        if not writer.closed:
            writer.flush()


def _flush_holders(writer: Any) -> None:
    """Have what a job put around its stream, and keeps, hand on its text: later it would be lost."""
    gc.collect()  # what lies in a cycle is closed now
    for holder in gc.get_referrers(writer):
        if isinstance(holder, io.TextIOWrapper) and not holder.closed:
            holder.flush()
