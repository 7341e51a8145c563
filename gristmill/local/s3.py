"""S3 of the embedded AWS: a range is read from an object without reading the whole of it."""

import re
import threading
from typing import Any

from moto.s3.models import FakeKey, S3Backend
from moto.s3.responses import S3Response

from gristmill.local.settings import Settings

_RANGE = re.compile(r"bytes=(\d+)-(\d*)$")
_asked = threading.local()  # whether this thread serves a request for a range


class Lazy:
    """Stands for an object's bytes where only a slice of them is wanted."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def __len__(self) -> int:
        return int(self._key.size)

    def __getitem__(self, wanted: slice) -> bytes:
        start, end, _ = wanted.indices(len(self))
        with self._key.lock:
            self._key._value_buffer.seek(start)
            data: bytes = self._key._value_buffer.read(max(0, end - start))
        return data


def _wants_range(headers: Any, size: int) -> bool:
    match = _RANGE.match(headers.get("range") or "")
    return bool(match) and int(match[1]) < size and (not match[2] or int(match[1]) <= int(match[2]))  # type: ignore[index]


def install(settings: Settings) -> None:
    """Apply the patch: three of moto's methods, one idea."""
    whole, get_object, copy_part = FakeKey.value, S3Response.get_object, S3Backend.upload_part_copy

    def value(self: Any) -> Any:
        return Lazy(self) if getattr(_asked, "range", False) else whole.fget(self)

    def get_object_lazily(self: Any) -> Any:
        key, _ = self._get_key()
        _asked.range = _wants_range(self.headers, key.size)
        try:
            return get_object(self)
        finally:
            _asked.range = False

    def copy_part_lazily(self: Any, *rest: Any, start_byte: int | None = None, **named: Any) -> Any:
        _asked.range = start_byte is not None
        try:
            return copy_part(self, *rest, start_byte=start_byte, **named)
        finally:
            _asked.range = False

    FakeKey.value = property(value, whole.fset)
    S3Response.get_object = get_object_lazily
    S3Backend.upload_part_copy = copy_part_lazily
