"""Start a batch: each file uploaded once, then the list of its items, and last of all the note that begins it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gristmill import keys
from gristmill.batches.items import Item, render_items
from gristmill.batches.note import BatchNote
from gristmill.client.batches.expand import Given, PlannedItem
from gristmill.client.drop.drops import send, send_body
from gristmill.client.drop.upload import upload_key
from gristmill.client.stack import Stack
from gristmill.errors import NotFound
from gristmill.runs.drop import run_id
from gristmill.runs.note import NotedObject
from gristmill.storage.resumable import Hearer

_ID_DIGITS = 16
_NAME_DIGITS = 8
_FILES_AT_ONCE = 4
_LIST = "items.jsonl"


@dataclass(frozen=True)
class BatchOptions:
    """What the items of a batch share; without a name it gets one of the pipeline and what its items are."""

    pipeline: str
    owner: str
    at_once: int
    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    max_cost: float | None = None
    version: str = ""


@dataclass(frozen=True)
class Started:
    """A batch that was started: its name, its run, and the key of its note."""

    name: str
    run: str
    key: str


def files_of(items: Sequence[PlannedItem]) -> dict[str, Path]:
    """Return each file of this machine that items name, once, by the key that it will have."""
    given = {path for item in items for path in (item.row.input, *item.row.inputs.values()) if isinstance(path, Path)}
    return {upload_key(path): path for path in sorted(given)}


def start_batch(
    stack: Stack, items: Sequence[PlannedItem], options: BatchOptions, hearer: Hearer, records: Path
) -> Started:
    """Upload what items need, then their list, then the note; until that is there, nothing has started.

    The same call goes on where one was interrupted: what is there already is not sent again.
    """
    versions = _send_files(stack, files_of(items), hearer, records) | _versions_of(stack, items)
    body = render_items(_item(item, versions) for item in items)
    digest = hashlib.sha256(body).hexdigest()
    quiet = Hearer(lambda _: None, lambda _: None)
    listed = keys.upload(digest[:_ID_DIGITS], _LIST)
    version, _ = send_body(stack.store, listed, body, quiet, records, once=True)
    note = BatchNote(
        contract=1,
        items=NotedObject(key=listed, version=version),
        at_once=options.at_once,
        owner=options.owner,
        tags=dict(options.tags),
        max_cost=options.max_cost,
        version=options.version,
    )
    name = options.name or f"{options.pipeline}-{digest[:_NAME_DIGITS]}"
    key = keys.batch_note_key(options.pipeline, name)
    noted, etag = send_body(stack.store, key, note.model_dump_json(exclude_none=True).encode(), quiet, records)
    return Started(name, run_id(stack.store.bucket, key, noted, etag.strip('"'), ""), key)


def _send_files(stack: Stack, files: Mapping[str, Path], hearer: Hearer, records: Path) -> dict[str, str | None]:
    def sent(key: str) -> tuple[str, str | None]:
        return key, send(stack.store, key, {}, files[key], hearer, records, once=True)[0]

    return dict(stack.store.together(sent, list(files), _FILES_AT_ONCE))


def _versions_of(stack: Stack, items: Sequence[PlannedItem]) -> dict[str, str | None]:
    """Return the versions that the objects of the bucket have which items name."""
    named = {key for item in items for key in (item.row.input, *item.row.inputs.values()) if isinstance(key, str)}

    def seen(key: str) -> tuple[str, str | None]:
        found = stack.store.head(key)
        if found is None:
            raise NotFound(f"{key} does not exist any more.", "Nothing was started.")
        return key, found.version

    return dict(stack.store.together(seen, sorted(named)))


def _item(item: PlannedItem, versions: Mapping[str, str | None]) -> Item:
    def noted(given: Given) -> NotedObject:
        key = upload_key(given) if isinstance(given, Path) else given
        return NotedObject(key=key, version=versions[key])

    inputs = {name: noted(given) for name, given in item.row.inputs.items()}
    return Item(n=item.n, name=item.name, input=noted(item.row.input), inputs=inputs, params=dict(item.params))
