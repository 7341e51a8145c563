"""Items of a list as tasks: a text, an object of the bucket, a part of an earlier branch, or all its parts at once."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from gristmill.chunks.items import READABLE, S3_SCHEME, item_fault, parse_item
from gristmill.errors import Refused
from gristmill.formats.whole import OneCounter
from gristmill.storage import ObjectInfo, Storage
from gristmill.storage.local import LocalStorage
from gristmill.worker.child.streams import Part, TaskInput


@dataclass(frozen=True)
class Item:
    """An item's own bytes, how many they are, and its text where it has one."""

    open: Callable[[], BinaryIO]
    size: int
    text: str = ""
    beside: Mapping[str, Part] = field(default_factory=dict)  # parts that are read in step with it


def listed(store: Storage, line: str) -> Item:
    """Return the item on a line of a list: the object that an S3 URI names, else the text itself."""
    try:
        item = parse_item(line)
    except ValueError as error:
        raise Refused([str(error)]) from error
    if not item.key:
        body = item.text.encode()
        return Item(lambda: io.BytesIO(body), len(body), item.text)
    if isinstance(store, LocalStorage) and item.bucket != store.bucket:
        raise Refused([f"a trial has no bucket to read {item.text} from"], "Give the list to gristmill run.")
    fault = item_fault(item, store.bucket)
    if fault:
        raise Refused([fault])
    found = _head(store, item.key)
    if found is None:
        raise Refused([f"{item.text} does not exist"], "Put it there, or take it off the list.")
    return Item(lambda: store.open_range(item.key, 0, found.size, found.version), found.size, item.text)


def _head(store: Storage, key: str) -> ObjectInfo | None:
    try:
        return store.head(key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.FORBIDDEN:
            fault = f"{S3_SCHEME}{store.bucket}/{key} may not be read: the role of the jobs has no s3:GetObject for it"
            raise Refused([fault], f"Jobs read {', '.join(READABLE)}.") from error
        raise


def part(store: Storage, text: str) -> Item:
    """Return the part that a line of a list of parts names."""
    entry = json.loads(text)
    own = _piece(store, entry)
    beside = {name: _piece(store, other) for name, other in entry.get("in_step", {}).items()}
    return Item(own.open, own.size, beside=beside)


def _piece(store: Storage, entry: Mapping[str, Any]) -> Part:
    start, end = entry["start"], entry["end"]
    return Part(lambda: store.open_range(entry["key"], start, end, None, entry["etag"]), end - start)


@dataclass(frozen=True)
class ItemFeed:
    """A list whose lines are one task each."""

    store: Storage
    list_at: Callable[[int, int], bytes]
    item: Callable[[Storage, str], Item]

    def chunk(self, start: int, end: int) -> TaskInput:
        """Return the content of the item on a line."""
        item = self.item(self.store, self.list_at(start, end).decode())
        source = TaskInput(item.open().read, OneCounter(), item.size)
        source.item = item.text
        source.beside = item.beside
        return source

    def drop(self) -> None:
        """Do nothing: no stream is kept."""


@dataclass(frozen=True)
class AllPartsFeed:
    """A list of parts that is one task."""

    store: Storage
    list_at: Callable[[int, int], bytes]

    def chunk(self, start: int, end: int) -> "AllParts":
        """Return all of the parts."""
        items = [part(self.store, line) for line in self.list_at(start, end).decode().splitlines()]
        return AllParts(items)

    def drop(self) -> None:
        """Do nothing: no stream is kept."""


@dataclass(frozen=True)
class AllParts:
    """Parts in the order of their tasks; a job gets their streams one after another."""

    items: list[Item]
    item: str = ""
    records: int = 1
    beside: Mapping[str, Part] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Return the bytes of all parts."""
        return sum(item.size for item in self.items)

    def argument(self) -> Iterator[BinaryIO]:
        """Return the parts' streams; each is closed when the next is asked for."""
        for item in self.items:
            with item.open() as stream:
                yield stream

    def finish(self) -> None:
        """Do nothing: a job need not read all parts."""
