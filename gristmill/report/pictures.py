"""Choose the pictures among the results that a page embeds."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gristmill.report.model import Picture
from gristmill.storage import ObjectInfo, Storage

EMBEDDED_MAX = 5_000_000  # bytes of all pictures of a page
SHOWN = 24
LISTED = 200
_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Pictures:
    """Those of a run: a list, the data URIs of those that a page embeds, and what is in neither."""

    listed: Sequence[Picture]
    embedded: Mapping[str, str]
    left_out: Sequence[str]


def load(store: Storage, results: Sequence[ObjectInfo]) -> Pictures:
    """Return the pictures among results, those that fit read."""
    found = [result for result in results if kind(result.key)]
    chosen = set(choose(found))
    listed = [Picture(key=picture.key, size=picture.size, embedded=picture.key in chosen) for picture in found[:LISTED]]
    embedded = {picture.key: _uri(store, picture.key) for picture in found if picture.key in chosen}
    return Pictures(listed, embedded, list(_left_out(len(found), len(chosen))))


def _left_out(found: int, chosen: int) -> Iterator[str]:
    if chosen < found:
        yield f"{found - chosen:,} of {found:,} pictures: they lie among the results."


def kind(key: str) -> str | None:
    """Return the media type of a picture, None where the key's ending is no picture's."""
    return next((kind for ending, kind in _TYPES.items() if key.lower().endswith(ending)), None)


def choose(found: Sequence[ObjectInfo]) -> list[str]:
    """Return the keys of pictures for a page: evenly from each folder, as long as there is room."""
    folders: dict[str, list[ObjectInfo]] = {}
    for picture in found:
        folders.setdefault(picture.key.rpartition("/")[0], []).append(picture)
    share = max(1, SHOWN // max(1, len(folders)))
    chosen: list[str] = []
    size = 0
    for picture in [picture for held in folders.values() for picture in spaced(held, share)]:
        if len(chosen) < SHOWN and size + picture.size <= EMBEDDED_MAX:
            chosen.append(picture.key)
            size += picture.size
    return chosen


def spaced(held: Sequence[ObjectInfo], most: int) -> list[ObjectInfo]:
    """Return at most so many, evenly from first to last."""
    if len(held) <= most:
        return list(held)
    return [held[place * (len(held) - 1) // max(1, most - 1)] for place in range(most)]


def _uri(store: Storage, key: str) -> str:
    return f"data:{kind(key)};base64,{base64.b64encode(store.read(key)).decode()}"
