"""Where an input is cut: places in it, and never a copy."""

from array import array
from collections.abc import Callable

from gristmill.chunks.pairs import Cutting
from gristmill.enums import Encoding
from gristmill.errors import Refused
from gristmill.formats import bgzf
from gristmill.formats.bounds import check_scan, check_tasks
from gristmill.formats.encoding import begin, encoding_of
from gristmill.formats.gzipped import OF_DATA
from gristmill.formats.reader import Damaged, Malformed, Reader, View
from gristmill.formats.registry import make_reader, traits_of
from gristmill.pipeline.parameters import layout_of, size_of
from gristmill.pipeline.stage import Split, Stage
from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage

Cuts = tuple["array[int]", int | None]  # fence-posts, and the number of records where they were counted


def make_cutting(
    store: Storage, record: RunRecord, stage: Stage, source: ObjectVersion, *, whole: bool, beside: int = 0
) -> Cutting:
    """Return an input as it is cut; `beside` are the bytes of another one that the same Split scans."""
    view = make_view(store, source)
    records, size = sizes_of(stage.split, record, stage.name)
    layout = layout_of(stage.split, record.parameters)
    reader = make_reader(stage.split.records, layout)
    encoding = encoding_of(stage.split.records, view)
    check_scan(view.size + beside, encoding, records is not None or reader.scans)
    check_tasks(view.size // size if size else 1)
    try:
        if whole and encoding is Encoding.BGZF:
            bgzf.check_end(view)
        cuts, counted = _cut(reader, view, (records, size), encoding)
    except Malformed as broken:
        raise Refused([f"{source.key} is no sound {stage.split.records}: {broken}"]) from broken
    if len(cuts) == 1 and layout.has_header:
        cuts.append(cuts[0])  # a header alone is a task without records, so that what becomes of headers is not lost
    return Cutting(view, cuts, counted, encoding)


def _cut(reader: Reader, view: View, sizes: tuple[int | None, int], encoding: Encoding) -> Cuts:
    """Return the cuts as the index has them, and the number of records where they were counted."""
    records, size = sizes
    start = begin(reader, view, encoding)
    if encoding is Encoding.GZIP:
        return array("Q", [0, view.size]), None
    if encoding is Encoding.BGZF:
        return _in_data(lambda: bgzf.cut(reader, view, start, records, size))
    if records is None:
        return reader.by_bytes(view, start, size), None
    return reader.by_records(view, start, records)


def _in_data(cut: Callable[[], Cuts]) -> Cuts:
    """Return what `cut` does; a place that it names is one of the decompressed data, but where they are damaged."""
    try:
        return cut()
    except Damaged:
        raise
    except Malformed as broken:
        raise broken.within(OF_DATA) from broken


def sizes_of(split: Split, record: RunRecord, stage: str) -> tuple[int | None, int]:
    """Return records per task, or None and bytes per task."""
    if not traits_of(split.records).is_sized:
        return 1, 0
    records = size_of(split.records_per_task, record.parameters)
    size = size_of(split.bytes_per_task, record.parameters)
    if records is None and size is None:
        raise Refused([f"stage {stage}: neither a number of records nor of bytes per task is given"])
    return records, size or 0


def make_view(store: Storage, source: ObjectVersion) -> View:
    """Return a view of an object version."""
    return View(
        source.size,
        lambda start, end: source.read(store, start, end),
        lambda start: source.open(store, start, source.size),
        store.together,
    )
