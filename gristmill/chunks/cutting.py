"""Cutting a stage's input into chunks: an index of places in it, never a copy."""

from collections.abc import Callable
from functools import partial

from gristmill import keys
from gristmill.chunks import index
from gristmill.chunks.cuts import make_cutting, sizes_of
from gristmill.chunks.items import check_list
from gristmill.chunks.pairs import Pair
from gristmill.chunks.parts import write_items
from gristmill.enums import OutputKind, RecordFormat
from gristmill.errors import Refused
from gristmill.formats.bounds import check_files
from gristmill.formats.registry import traits_of
from gristmill.pipeline.inputs import pair_names
from gristmill.pipeline.stage import Stage
from gristmill.runs.at_work import check_owner
from gristmill.runs.locations import frozen, result_branches, stage_joins, stage_keys, stage_source
from gristmill.runs.pinned import Cut, ObjectVersion, StageCut, find_cut, replace_object
from gristmill.runs.records import RunRecord, mates_of
from gristmill.storage import Storage


def ensure_index(store: Storage, record: RunRecord, stage: Stage, *, whole: bool = True) -> StageCut:
    """Cut a stage's input into chunks unless that was done; return what it reads and the index of the chunks.

    An index that was removed or replaced is made again, of the same input, and must be the same: outputs of tasks that
    are done depend on it. Raises Refused where it is not, where the input breaks its format or lists what cannot be
    read, where it must be scanned and is more than one Split can scan, and where more files would be published than one
    Merge can copy. A `whole` input must end as one does.
    """
    place, check = stage_keys(record, stage.name), partial(check_owner, store, record)
    made = find_cut(store, place)
    source = _source(store, record, stage, made)
    if made and not made.source.is_same(source):
        raise _other(record, source)
    if made is None or not all(_stands(store, cut.index) for cut in (made, made.mates) if cut):
        cut = _make(store, record, stage, source, check, whole=whole)
        for before, now in [(made, cut), (made.mates, cut.mates)] if made else []:
            if before and now and not before.index.is_same(now.index):
                raise _other(record, now.index)
        made = keep_cut(store, place, cut, check)
    elif made.source != source:  # the same bytes, merged again
        made = keep_cut(store, place, made.model_copy(update={"source": source}), check)
    made = _pin_joins(store, record, stage, made, check)
    check_files(made.tasks, _publishing(record, stage))
    return made


def _pin_joins(
    store: Storage, record: RunRecord, stage: Stage, made: StageCut, check: Callable[[], object]
) -> StageCut:
    """Keep which versions of other branches a stage's tasks are given; Refused where one has other bytes now."""
    joins = stage_joins(store, record, stage)
    if joins == made.joins:
        return made
    for name, before in made.joins.items():
        if not before.is_same(joins[name]):
            raise _other(record, joins[name])
    return keep_cut(store, stage_keys(record, stage.name), made.model_copy(update={"joins": joins}), check)


def _check_items(stage: Stage, source: ObjectVersion) -> None:
    if stage.reads and not source.size:
        fault = f"{stage.reads} lists nothing, and stage {stage.name} makes a task of each item of it"
        raise Refused([fault], f"If it may list nothing, say empty: ok at {stage.reads} in pipeline.yaml.")


def _make(
    store: Storage,
    record: RunRecord,
    stage: Stage,
    source: ObjectVersion,
    check: Callable[[], object],
    *,
    whole: bool,
) -> StageCut:
    """Cut a stage's input, and the mates of it where there are any; write an index of each."""
    mates, place = mates_of(record, stage), stage_keys(record, stage.name)
    cut = make_cutting(store, record, stage, source, whole=whole, beside=mates.size if mates else 0)
    if stage.split.records is RecordFormat.LIST:
        check_list(store, source)
        _check_items(stage, source)
    if mates is None:
        return write_index(store, place, source, cut.body, check)
    other = make_cutting(store, record, stage, mates, whole=whole, beside=source.size)
    per_task = sizes_of(stage.split, record, stage.name)[0] or 0
    Pair(pair_names(frozen(record).inputs), stage.split.records, per_task, cut, other).check()
    return write_index(store, place, source, cut.body, check, write_mates(store, place, mates, other.body, check))


def write_index(
    store: Storage,
    place: keys.StageKeys,
    source: ObjectVersion,
    body: bytes,
    check: Callable[[], object] = lambda: None,
    mates: Cut | None = None,
) -> StageCut:
    """Write a stage's index, unless `check` raises, and return what it is the index of; that counts once it is kept."""
    made = _write(store, place.chunks, source, body, check)
    return StageCut(**dict(made), mates=mates)


def write_mates(
    store: Storage,
    place: keys.StageKeys,
    source: ObjectVersion,
    body: bytes,
    check: Callable[[], object] = lambda: None,
) -> Cut:
    """Write the index of a stage's mates as `write_index` does."""
    return _write(store, place.mates, source, body, check)


def _write(store: Storage, key: str, source: ObjectVersion, body: bytes, check: Callable[[], object]) -> Cut:
    written = replace_object(store, key, body, check)
    header = index.parse_header(body, key)
    return Cut(source=source, index=written, values=header.values, records=header.records, encoding=header.encoding)


def keep_cut(
    store: Storage, place: keys.StageKeys, made: StageCut, check: Callable[[], object] = lambda: None
) -> StageCut:
    """Write what a stage reads, unless `check` raises; its children and functions go by it from then on. Return it."""
    store.put_checked(place.cut, made.model_dump_json().encode(), check)
    return made


def _other(record: RunRecord, found: ObjectVersion) -> Refused:
    fault = f"{found.key} has other bytes than run {record.run} was begun with, and those are gone"
    return Refused([fault], "Drop the file again.")


def _source(store: Storage, record: RunRecord, stage: Stage, made: StageCut | None) -> ObjectVersion:
    """Return what a stage is to read: of a list of parts the one that stands already, if it does."""
    if not traits_of(stage.split.records).of_parts:
        return stage_source(store, record, stage)
    return made.source if made and _stands(store, made.source) else write_items(store, record, stage)


def _stands(store: Storage, pinned: ObjectVersion) -> bool:
    found = store.head(pinned.key, pinned.version)
    return found is not None and pinned.is_same(ObjectVersion.of(found))


def _publishing(record: RunRecord, stage: Stage) -> list[str]:
    """Return the branches of a stage that publish a file of each task."""
    results = result_branches(frozen(record))
    return [branch.name for branch in stage.branches if branch.output is OutputKind.FILES and branch.name in results]
