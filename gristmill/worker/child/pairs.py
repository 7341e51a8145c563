"""The mates of a child's tasks: each task's staged to a file, and held against the reads as these pass."""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gristmill.chunks import index
from gristmill.errors import Refused
from gristmill.formats.names import plain_suffix
from gristmill.formats.pairs import Name, Names, PairCheck
from gristmill.formats.reader import Malformed
from gristmill.limits import MIB
from gristmill.pipeline.inputs import pair_names
from gristmill.pipeline.parameters import size_of
from gristmill.pipeline.stage import Stage
from gristmill.runs.locations import frozen
from gristmill.runs.pinned import Cut
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage
from gristmill.worker.child.command import check_space, stage_stream
from gristmill.worker.child.feeds import Chunk, Feed
from gristmill.worker.child.inputs import MakeFeed, make_feeds
from gristmill.worker.child.streams import TaskInput
from gristmill.worker.child.worklist import Stretch


@dataclass
class Mates:
    """The mates of what a stage reads, task by task."""

    store: Storage
    cut: Cut
    feeds: MakeFeed
    names: tuple[str, str]  # of the two inputs
    scan: Callable[[], Names]
    per_task: int  # records
    folder: Path
    _first: int = 0
    _offsets: "array[int]" = field(default_factory=lambda: array("Q"))
    _feed: Feed | None = None

    def begin(self, stretch: Stretch) -> None:
        """Go on to the tasks of a stretch."""
        self.drop()
        self._first = stretch.first
        self._offsets = index.read_values(
            self.store, self.cut.index, stretch.first, stretch.first + len(stretch.offsets)
        )
        self._feed = self.feeds(self._offsets[-1])

    def drop(self) -> None:
        """Close the stream: the next task's mates may lie elsewhere."""
        if self._feed:
            self._feed.drop()

    def stage(self, task: int, reads: Chunk) -> Path:
        """Write a task's mates to a file, and have them held against its reads as these pass; return the file."""
        place = task - self._first
        assert self._feed is not None and isinstance(reads, TaskInput)  # noqa: S101 - a pair is of a file that is cut
        chunk = self._feed.chunk(self._offsets[place], self._offsets[place + 1])
        target = self.folder / f"{self.names[1]}{plain_suffix(self.cut.source.key)}"
        target.unlink(missing_ok=True)
        check_space(self.folder, chunk.size)
        try:
            stage_stream(chunk.argument(), target)
            chunk.finish()
        except Malformed as broken:
            raise Refused([f"{self.names[1]}: {broken}"]) from broken
        reads.hold_against(
            lambda records: PairCheck(
                self.names, self.scan(), self._named(target), chunk.records, task * self.per_task, records
            )
        )
        return target

    def _named(self, file: Path) -> Iterator[Name]:
        names = self.scan()
        with file.open("rb") as stream:
            while names.has_names and (block := stream.read(MIB)):
                yield from names.feed(block)
        yield from names.close()


def make_mates(store: Storage, record: RunRecord, stage: Stage, cut: Cut, folder: Path) -> Mates:
    """Return the mates of what a stage reads."""
    return Mates(
        store=store,
        cut=cut,
        feeds=make_feeds(store, record, stage, cut),
        names=pair_names(frozen(record).inputs),
        scan=lambda: Names(stage.split.records),
        per_task=size_of(stage.split.records_per_task, record.parameters) or 0,
        folder=folder,
    )
