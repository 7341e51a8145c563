"""Cutting a stage's input into chunks: an index of places in it, never a copy."""

from array import array
from collections.abc import Callable

from gristmill import keys
from gristmill.chunks import index
from gristmill.chunks.items import check_list
from gristmill.chunks.parts import ensure_items
from gristmill.enums import Encoding, OutputKind, RecordFormat
from gristmill.errors import Refused
from gristmill.formats import bgzf
from gristmill.formats.bounds import check_files, check_scan, check_tasks
from gristmill.formats.encoding import begin, encoding_of
from gristmill.formats.gzipped import OF_DATA
from gristmill.formats.reader import Damaged, Malformed, Reader, View
from gristmill.formats.registry import make_reader, traits_of
from gristmill.pipeline.model import Split, Stage
from gristmill.pipeline.parameters import layout_of, size_of
from gristmill.runs.locations import Source, frozen, result_branches, stage_source
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage

Cuts = tuple["array[int]", int | None]  # fence-posts, and the number of records where they were counted


def ensure_index(store: Storage, record: RunRecord, stage: Stage, *, whole: bool = True) -> index.Header:
    """Write the chunk index of a stage unless it is there; return its header. A `whole` input must end as one does.

    Raises Refused where the input breaks its format or lists what cannot be read, where it must be scanned and is more
    than one Split can scan, and where more files would be published than one Merge can copy.
    """
    key = keys.chunks(record.run, stage.name)
    if store.head(key) is None:
        if traits_of(stage.split.records).of_parts:
            ensure_items(store, record, stage)
        made = _index(store, record, stage, whole)
        if stage.split.records is RecordFormat.LIST:
            check_list(store, stage_source(store, record, stage))
        store.put_new(key, made)
    header = index.read_header(store, key)
    check_files(header.tasks, _publishing(record, stage))
    return header


def _publishing(record: RunRecord, stage: Stage) -> list[str]:
    """Return the branches of a stage that publish a file of each task."""
    results = result_branches(frozen(record))
    return [branch.name for branch in stage.branches if branch.output is OutputKind.FILES and branch.name in results]


def _index(store: Storage, record: RunRecord, stage: Stage, whole: bool) -> bytes:
    source = stage_source(store, record, stage)
    view = make_view(store, source)
    records, size = _sizes(stage.split, record, stage.name)
    layout = layout_of(stage.split, record.parameters)
    reader = make_reader(stage.split.records, layout)
    encoding = encoding_of(stage.split.records, view)
    check_scan(view.size, encoding, records is not None or reader.scans)
    check_tasks(view.size // size if size else 1)
    try:
        if whole and encoding is Encoding.BGZF:
            bgzf.check_end(view)
        cuts, counted = _cut(reader, view, (records, size), encoding)
    except Malformed as broken:
        raise Refused([f"{source.key} is no sound {stage.split.records}: {broken}"]) from broken
    if len(cuts) == 1 and layout.has_header:
        cuts.append(cuts[0])  # a header alone is a task without records, so that what becomes of headers is not lost
    return index.pack(cuts, counted, encoding)


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


def _sizes(split: Split, record: RunRecord, stage: str) -> tuple[int | None, int]:
    """Return records per task, or None and bytes per task."""
    if not traits_of(split.records).is_sized:
        return 1, 0
    records = size_of(split.records_per_task, record.parameters)
    size = size_of(split.bytes_per_task, record.parameters)
    if records is None and size is None:
        raise Refused([f"stage {stage}: neither a number of records nor of bytes per task is given"])
    return records, size or 0


def make_view(store: Storage, source: Source) -> View:
    """Return a view of an object version."""
    return View(
        source.size,
        lambda start, end: store.read(source.key, start, end, source.version),
        lambda start: store.open_range(source.key, start, source.size, source.version),
        store.together,
    )
