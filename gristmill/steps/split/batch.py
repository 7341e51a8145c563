"""Prepare the record of a batch: code and items frozen once, every fault of any item told before the first begins."""

from collections.abc import Mapping, Sequence

from gristmill import keys
from gristmill.batches.items import Item, parse_items, render_items, shown
from gristmill.batches.note import BatchNote, parse_batch_note
from gristmill.code.source import Source
from gristmill.cost.ceiling import read_ceiling
from gristmill.enums import RunKind
from gristmill.errors import Refused
from gristmill.limits import BATCH_LIST_MAX, FENCE_MAX, NOTE_MAX
from gristmill.pipeline.inputs import cut_input
from gristmill.pipeline.metadata import encode, plain_name
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.parameters import owner, resolve
from gristmill.pipeline.tags import read_tags
from gristmill.runs.drop import Drop
from gristmill.runs.note import Given, NotedObject, find_object
from gristmill.runs.pinned import ObjectVersion, replace_object
from gristmill.runs.records import CONTRACT, InputObject, ItemList, RunRecord
from gristmill.steps.split.claimant import Claimant
from gristmill.steps.split.inputs import freeze_inputs
from gristmill.steps.split.preparing import find_code
from gristmill.steps.split.refusals import name_faults, object_faults
from gristmill.storage import ObjectInfo, Storage

_READERS = 16
Found = Mapping[NotedObject, ObjectInfo | str]  # what an item names, or what is wrong with that


def prepare_batch(store: Storage, drop: Drop, claimant: Claimant) -> tuple[RunRecord, Source | None, bytes]:
    """Return the record of a batch with every fault that refuses it, its code, and its items as they are frozen."""
    record = _bare(drop, claimant)
    try:
        note = _read_note(store, drop)
    except Refused as refused:
        return record.model_copy(update={"faults": refused.advice}), None, b""
    max_cost, ceiling_faults = read_ceiling(note.metadata, claimant.limits.max_cost)
    tags, _, faults = read_tags(note.metadata)
    source, code_faults = find_code(store, record.dropped.pipeline, note.version or None, claimant.roots)
    faults += ceiling_faults + code_faults
    update = {"owner": owner(note.metadata, drop.requester), "given": note.metadata, "tags": tags, "max_cost": max_cost}
    if source is None:
        return record.model_copy(update={**update, "faults": faults}), None, b""
    items: list[Item] = []
    try:
        items, item_faults = freeze_items(store, source.pipeline, note, _read_items(store, note))
        faults += shown(item_faults)
    except Refused as refused:
        faults += refused.advice
    record = record.model_copy(update={**update, "pipeline": source.pipeline, "code": source.code, "faults": faults})
    record = record.model_copy(update={"faults": faults + _name_faults(record, items)})
    body = render_items(items)
    listed = ObjectVersion(key=keys.items(drop.run), version=None, etag="", size=len(body))
    kept = ItemList(object=listed, count=len(items), at_once=note.at_once) if items and not record.faults else None
    return record.model_copy(update={"items": kept}), source, body


def keeping_items(store: Storage, record: RunRecord, body: bytes) -> RunRecord:
    """Keep the items of a batch that is about to be claimed; return its record, which says where."""
    key = keys.items(record.run)
    claimed = store.head(key) if store.head(keys.run_record(record.run)) else None
    kept = ObjectVersion.of(claimed) if claimed else replace_object(store, key, body)
    items = record.items.model_copy(update={"object": kept}) if record.items else None
    return record.model_copy(update={"items": items})


def _bare(drop: Drop, claimant: Claimant) -> RunRecord:
    return RunRecord(
        contract=CONTRACT,
        run=drop.run,
        kind=RunKind.BATCH,
        execution=claimant.execution,
        claimed_at=claimant.now,
        owner=drop.requester or "unknown",
        dropped=keys.parse_input(drop.key),
        input=InputObject(
            bucket=drop.bucket,
            key=drop.key,
            version=drop.version,
            etag=drop.etag,
            size=drop.size,
            sequencer=drop.sequencer,
        ),
        pipeline=None,
        parameters={},
        faults=[],
    )


def _read_note(store: Storage, drop: Drop) -> BatchNote:
    head = store.head(drop.key, drop.version)
    if head is None:
        raise Refused([f"{drop.key} (version {drop.version}) is gone; drop the note again"])
    size = min(head.size, NOTE_MAX + 1)
    return parse_batch_note(drop.key, store.read(drop.key, 0, size, head.version, head.etag))


def _read_items(store: Storage, note: BatchNote) -> list[Item]:
    head = find_object(store, note.items)
    if head.size > BATCH_LIST_MAX:
        raise Refused([f"{head.key} has {head.size:,} bytes; a list of items has at most {BATCH_LIST_MAX:,}"])
    return parse_items(store.read(head.key, 0, head.size, head.version, head.etag))


def freeze_items(
    store: Storage, pipeline: Pipeline, note: BatchNote, items: Sequence[Item]
) -> tuple[list[Item], list[str]]:
    """Return the items with each object in one version and all their parameters, and the faults by their lines.

    An object that several items name is looked at once, so that all of them read the same version.
    """
    defaults = {
        name: NotedObject(key=given.default)
        for name, given in pipeline.inputs.items()
        if given.default and name != cut_input(pipeline.inputs)
    }
    wholes = [item.model_copy(update={"inputs": defaults | item.inputs}) for item in items]
    wanted = list(dict.fromkeys(noted for item in wholes for noted in (item.input, *item.inputs.values())))
    found = dict(zip(wanted, store.together(lambda noted: _look(store, noted), wanted, _READERS), strict=True))
    common = {plain_name(name): text for name, text in note.params.items()}
    if note.max_cost is not None:
        common["max_cost"] = f"{note.max_cost:f}"
    frozen, faults = [], []
    for item in wholes:
        params = common | {plain_name(name): text for name, text in item.params.items()}
        made, wrong = _freeze(store, pipeline, item.model_copy(update={"params": params}), found)
        frozen.append(made)
        faults += [f"line {item.n} ({item.name}): {fault}" for fault in wrong]
    return frozen, faults


def _look(store: Storage, noted: NotedObject) -> ObjectInfo | str:
    try:
        return find_object(store, noted)
    except Refused as refused:
        return "; ".join(refused.faults)


def _freeze(store: Storage, pipeline: Pipeline, item: Item, found: Found) -> tuple[Item, list[str]]:
    objects = {"input": item.input, **item.inputs}
    there = {name: held for name, noted in objects.items() if not isinstance(held := found[noted], str)}
    faults = [f"{name}: {found[noted]}" for name, noted in objects.items() if name not in there]
    source = there.get("input")
    metadata = {name: encode(text) for name, text in item.params.items()}
    given = Given(metadata, source, {name: there.get(name) for name in item.inputs})
    faults += resolve(pipeline, metadata)[1] + (object_faults(source, pipeline) if source else [])
    faults += freeze_inputs(store, pipeline, given)[1]
    pinned = {name: NotedObject(key=held.key, version=held.version) for name, held in there.items()}
    source_pin = pinned.pop("input", item.input)
    return item.model_copy(update={"input": source_pin, "inputs": pinned}), faults


def _name_faults(record: RunRecord, items: Sequence[Item]) -> list[str]:
    """Return whether the longest name of an item is too long for the keys of its results and its note."""
    if not items:
        return []
    longest = max(items, key=lambda item: len(item.name))
    dropped = keys.dropped_item(record.dropped, record.run, longest.n, longest.name, FENCE_MAX)
    return [f"line {longest.n}: {fault}" for fault in name_faults(record.model_copy(update={"dropped": dropped}))]
