"""Items of a list: a text each, or an object of the bucket. Read in one way, and checked before any task runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from unicodedata import category
from urllib.parse import unquote

from gristmill import keys
from gristmill.errors import Refused
from gristmill.limits import LIST_CHECKED_MAX, LIST_ITEMS_MAX
from gristmill.printable import short
from gristmill.runs.archived import archive_fault
from gristmill.runs.pinned import ObjectVersion
from gristmill.storage import Storage
from gristmill.storage.local import LocalStorage

S3_SCHEME = "s3://"
READABLE = (*keys.GIVEN, keys.RUNS, keys.WORK)  # what jobs may read
_MEANT = re.compile(  # whoever wrote this meant an object
    r"[^a-z0-9]*(s3[an]?\s*(:\s*[/\\]|//|:[a-z0-9][a-z0-9.-]{2,62}/)|arn:aws[a-z-]*:s3:)", re.IGNORECASE
)
_URI = re.compile(r"s3://([^/]+)/(.+)", re.IGNORECASE)
_SHOWN = 10  # faults of a list
_LOOKS = 64  # at once
_MARK = "\ufeff"


@dataclass(frozen=True)
class Item:
    """An item as tasks get it: its text and, where that names an object, bucket and key of it."""

    text: str
    bucket: str = ""
    key: str = ""


def parse_item(line: str) -> Item:
    """Return the item on a line of a list, without blanks around it; ValueError, with the mend, where it is none."""
    text, inked = line.strip(), line.strip(" \t\r\n")  # controls such as U+000B count as blanks to Python
    odd = next((char for char in inked if char == _MARK or (category(char) == "Cc" and char != "\t")), None)
    if odd is not None:
        raise ValueError(f"{short(text)} holds the character U+{ord(odd):04X}, which no name has; take it out")
    if not _MEANT.match(text):
        return Item(text)
    match = _URI.fullmatch(text)
    if match is None:
        raise ValueError(f"{short(text)} is not of the form s3://BUCKET/KEY; write it so, without quotes and the like")
    return Item(f"{S3_SCHEME}{match[1]}/{match[2]}", match[1], match[2])


def item_fault(item: Item, bucket: str) -> str:
    """Return why jobs cannot read an item's object, whether it is there or not; nothing where they can."""
    if item.bucket != bucket:
        return f"{short(item.text)} is in another bucket; a job can read this one alone: copy it to s3://{bucket}/"
    if not item.key.startswith(READABLE):
        return f"{short(item.text)} is not where jobs can read; they read {', '.join(READABLE)}"
    return ""


def check_list(store: Storage, source: ObjectVersion) -> None:
    """Refuse a list with an item that is none, that is there already, or that names an object which jobs cannot read.

    Of more objects than one function can look at, those behind are left to their tasks.
    """
    found: dict[str, int] = {}
    objects: list[tuple[int, Item]] = []
    faults = list(islice(_faults(store, source, found, objects), _SHOWN + 1))
    if not faults and not isinstance(store, LocalStorage):
        looked_at = store.together(lambda numbered: _missing(store, *numbered), objects[:LIST_CHECKED_MAX], _LOOKS)
        faults = [fault for fault in looked_at if fault]
    if faults:
        more = f"; {len(faults) - _SHOWN:,} or more lines besides" if len(faults) > _SHOWN else ""
        raise Refused(
            [f"{source.key}: {'; '.join(faults[:_SHOWN])}{more}"],
            "Correct the list, or the job that wrote it, and run again.",
        )


def _faults(
    store: Storage, source: ObjectVersion, found: dict[str, int], objects: list[tuple[int, Item]]
) -> Iterator[str]:
    """Yield the faults that the lines show by themselves; gather the items and, of them, the objects."""
    with source.open(store, 0, source.size) as lines:
        for number, line in enumerate(lines, start=1):
            if number > LIST_ITEMS_MAX:
                yield f"the list has more than {LIST_ITEMS_MAX:,} items, the most that are read so; read it as lines"
                return
            try:
                item = parse_item(line.decode())
            except ValueError as error:
                yield f"line {number}: {error}"
                continue
            first = found.setdefault(item.text, number)
            if first != number:
                yield f"line {number}: {short(item.text)} stands on line {first} already; list each item once"
            elif item.key:
                fault = "" if isinstance(store, LocalStorage) else item_fault(item, store.bucket)
                if fault:
                    yield f"line {number}: {fault}"
                objects.append((number, item))


def _missing(store: Storage, number: int, item: Item) -> str:
    if found := store.head(item.key):
        fault = archive_fault(found)
        return f"line {number}: {fault}" if fault else ""
    plain = unquote(item.key)
    is_encoded = plain != item.key and store.head(plain)
    mend = f"; keys are written as they are: {S3_SCHEME}{item.bucket}/{plain}" if is_encoded else ""
    return f"line {number}: {short(item.text)} does not exist{mend}"
