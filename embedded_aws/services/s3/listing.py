"""Listings of a bucket, a page at a time; moto sorts (and for versions copies) the whole bucket for every page."""

import base64
import itertools
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Any, TypeVar

from moto.s3.exceptions import InvalidContinuationToken
from moto.s3.models import FakeDeleteMarker, FakeKey
from moto.s3.utils import _VersionedKeyStore

Row = TypeVar("Row")
_PAGE = 1000  # rows of a page (Amazon S3 API reference, ListObjectsV2)


class Keys(_VersionedKeyStore):  # type: ignore[misc]
    """A bucket's keys, with their names in order."""

    def __init__(self) -> None:
        super().__init__()
        self._names: list[str] = []
        self._lock = threading.Lock()

    def __setitem__(self, key: str, value: Any) -> None:
        self.setlist(key, [*self.getlist(key, []), value])

    def setlist(self, key: str, list_: Any) -> None:
        """Set the versions of a key, oldest first."""
        with self._lock:
            if key not in self:
                insort(self._names, key)
            dict.__setitem__(self, key, list_)

    def pop(self, key: str) -> None:
        """Remove a key and all its versions."""
        with self._lock:
            dict.pop(self, key)
            del self._names[bisect_left(self._names, key)]

    def _from(self, prefix: str, after: str) -> Iterator[str]:
        """Yield the names with a prefix, in order, from the first behind `after` on."""
        index = bisect_right(self._names, after) if after >= prefix else bisect_left(self._names, prefix)
        while index < len(self._names):
            name = self._names[index]
            if not name.startswith(prefix):
                return
            yield name
            index += 1
            if index > len(self._names) or self._names[index - 1] != name:  # keys came or went meanwhile
                index = bisect_right(self._names, name)

    def _last_in(self, folder: str, name: str) -> str:
        """Return the last name in a folder, where `name` is one."""
        behind = bisect_left(self._names, True, key=lambda other: other > folder and not other.startswith(folder))
        return max([name, *self._names[behind - 1 : behind]])

    def entries(self, prefix: str, delimiter: str, after: str, live: bool) -> Iterator[tuple[str, bool]]:
        """Yield names in order and behind `after`, and folders, marked True, in place of what lies in them.

        With `live`, only what is there: keys whose latest version is no delete marker.
        """
        while True:
            for name in self._from(prefix, after):
                if live and not isinstance(self.get(name), FakeKey):
                    continue
                end = name.find(delimiter, len(prefix)) if delimiter else -1
                if end >= 0:
                    break
                yield name, False
            else:
                return
            folder = name[: end + len(delimiter)]
            if folder > after:
                yield folder, True
            after = self._last_in(folder, name)


def list_objects(
    _backend: Any, bucket: Any, prefix: str | None, delimiter: str | None, marker: str | None, max_keys: int
) -> tuple[list[FakeKey], list[str], bool, str | None]:
    """Stand in for S3Backend.list_objects."""
    found, is_truncated = _page(bucket.keys.entries(prefix or "", delimiter or "", marker or "", live=True), max_keys)
    keys = [bucket.keys.get(name) for name, is_folder in found if not is_folder]
    folders = [name for name, is_folder in found if is_folder]
    return [key for key in keys if isinstance(key, FakeKey)], folders, is_truncated, _last(found, is_truncated)


def list_objects_v2(
    _backend: Any,
    bucket: Any,
    prefix: str | None,
    delimiter: str | None,
    continuation_token: str | None,
    start_after: str | None,
    max_keys: int,
) -> tuple[list[FakeKey | str], bool, str | None]:
    """Stand in for S3Backend.list_objects_v2."""
    after = _name_in(continuation_token) if continuation_token else start_after or ""
    found, is_truncated = _page(bucket.keys.entries(prefix or "", delimiter or "", after, live=True), max_keys)
    rows = [name if is_folder else bucket.keys.get(name) for name, is_folder in found]
    last = _last(found, is_truncated)
    token = base64.urlsafe_b64encode(last.encode()).decode() if last else None
    return [row for row in rows if isinstance(row, FakeKey | str)], is_truncated, token


def list_object_versions(
    self: Any,
    bucket_name: str,
    delimiter: str | None = None,
    key_marker: str | None = None,
    max_keys: int = _PAGE,
    prefix: str = "",
    version_id_marker: str | None = None,
) -> tuple[list[FakeKey], list[str], list[FakeDeleteMarker], str | None, str | None]:
    """Stand in for S3Backend.list_object_versions."""
    keys = self.get_bucket(bucket_name).keys
    found, is_truncated = _page(
        itertools.chain(
            _rest(keys, prefix, delimiter or "", key_marker or "", version_id_marker),
            _versions(keys, prefix, delimiter or "", key_marker or ""),
        ),
        max_keys,
    )
    rows = [row for _, row in found]
    last = rows[-1] if is_truncated else None
    return (
        [row for row in rows if isinstance(row, FakeKey)],
        [name for name, row in found if row is None],
        [row for row in rows if isinstance(row, FakeDeleteMarker)],
        _last(found, is_truncated),
        last.version_id if last else None,
    )


def _versions(keys: Keys, prefix: str, delimiter: str, after: str) -> Iterator[tuple[str, Any]]:
    """Yield the versions of each name, the latest first; a folder has none."""
    for name, is_folder in keys.entries(prefix, delimiter, after, live=False):
        if is_folder:
            yield name, None
        for index, version in enumerate([] if is_folder else reversed(keys.getlist(name, []))):
            version.is_latest = index == 0
            yield name, version


def _rest(keys: Keys, prefix: str, delimiter: str, name: str, version: str | None) -> Iterator[tuple[str, Any]]:
    """Yield what a page that ended amid the versions of a name has left of them; all, if that version has gone."""
    if not version or not name.startswith(prefix) or (delimiter and delimiter in name[len(prefix) :]):
        return
    versions = list(reversed(keys.getlist(name, [])))
    ids = [row.version_id for row in versions]
    for row in versions[ids.index(version) + 1 if version in ids else 0 :]:
        row.is_latest = row is versions[0]
        yield name, row


def _page(rows: Iterator[Row], max_keys: int) -> tuple[list[Row], bool]:
    """Return a page of rows, and whether there are more."""
    size = min(max_keys, _PAGE)
    page = list(itertools.islice(rows, size + 1)) if size else []
    return page[:size], len(page) > size


def _last(found: list[tuple[str, Any]], is_truncated: bool) -> str | None:
    return found[-1][0] if is_truncated else None


def _name_in(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError as error:
        raise InvalidContinuationToken from error
