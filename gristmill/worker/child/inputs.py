"""Choose the feed of a child's tasks by the format of the stage's split and by how its input is stored."""

from collections.abc import Callable

from gristmill.chunks import index
from gristmill.enums import Encoding, RecordFormat
from gristmill.formats.reader import Counter
from gristmill.formats.registry import make_reader, traits_of
from gristmill.limits import BGZF_BLOCK_MAX
from gristmill.pipeline.parameters import layout_of
from gristmill.pipeline.stage import Stage
from gristmill.runs.pinned import Cut, ObjectVersion
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage
from gristmill.worker.child.feeds import BgzfFeed, Feed, GzipFeed, MakeCounter, OpenAt, PlainFeed
from gristmill.worker.child.items import AllPartsFeed, ItemFeed, listed, part

MakeFeed = Callable[[int], Feed]  # for a stretch of tasks that ends at this value of the index


def make_feeds(store: Storage, record: RunRecord, stage: Stage, cut: Cut) -> MakeFeed:
    """Return what makes the feed of each stretch."""
    source, encoding = cut.source, cut.encoding
    if traits_of(stage.split.records).is_items:
        return lambda _end: _items(store, source, stage.split.records)
    layout = layout_of(stage.split, record.parameters)
    counter = make_reader(stage.split.records, layout).counter
    if encoding is Encoding.GZIP:
        behind = _behind_header(counter) if layout.header else counter
        return lambda _end: GzipFeed(_opener(store, source, source.size), behind)
    header = _header(store, cut) if layout.has_header else b""
    if encoding is Encoding.BGZF:
        return lambda end: BgzfFeed(_opener(store, source, (end >> 16) + BGZF_BLOCK_MAX), counter, header)
    return lambda end: PlainFeed(_opener(store, source, end), counter, header)


def _items(store: Storage, source: ObjectVersion, records: RecordFormat) -> Feed:
    def list_at(start: int, end: int) -> bytes:
        return source.read(store, start, end)

    if traits_of(records).is_one_task:
        return AllPartsFeed(store, list_at)
    return ItemFeed(store, list_at, part if traits_of(records).of_parts else listed)


def _opener(store: Storage, source: ObjectVersion, end: int) -> OpenAt:
    return lambda start: source.open(store, start, end)


def _header(store: Storage, cut: Cut) -> bytes:
    """Return what lies before the first chunk."""
    (first,) = index.read_values(store, cut.index, 0, 1)
    if cut.encoding is Encoding.PLAIN:
        return cut.source.read(store, 0, first)
    feed = BgzfFeed(_opener(store, cut.source, (first >> 16) + BGZF_BLOCK_MAX), _Uncounted)
    return feed.chunk(0, first).readall()


class _Uncounted:
    """Counts nothing."""

    records = 0

    def __init__(self, _start: int) -> None: ...

    def feed(self, block: bytes) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def _behind_header(counter: MakeCounter) -> MakeCounter:
    return lambda start: _BehindHeader(counter(start))


class _BehindHeader:
    """Counts records behind the first, which is a header."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.feed, self.close = counter.feed, counter.close

    @property
    def records(self) -> int:
        """Return how many records have passed."""
        return max(self._counter.records - 1, 0)
