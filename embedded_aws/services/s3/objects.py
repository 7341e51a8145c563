"""moto's keys, whose bytes are contents; moto holds each in an open file, and reads it whole."""

import threading
from collections.abc import Callable
from typing import Any

from moto.s3.models import FakeKey
from moto.utilities.utils import md5_hash

from embedded_aws.services.s3.blobs import Blobs
from embedded_aws.services.s3.content import Content, content_of
from embedded_aws.services.s3.multipart import Joined

_asked = threading.local()  # whether this thread's caller takes a content for bytes


def lazily(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let the values of keys be contents as long as a function runs."""

    def lazy(*arguments: Any, **named: Any) -> Any:
        before, _asked.lazy = getattr(_asked, "lazy", False), True
        try:
            return function(*arguments, **named)
        finally:
            _asked.lazy = before

    return lazy


def value_in(store: Blobs) -> property:
    """Stand in for FakeKey.value."""

    def get_value(self: Any) -> bytes | Content:
        content: Content = self.content
        return content if getattr(_asked, "lazy", False) else bytes(content)

    def set_value(self: Any, new: bytes | str | Content) -> None:
        self._value_buffer = None
        if isinstance(new, Joined):
            self.content = Content(new.spans)
            self.multipart.parts, self.multipart.partlist = new.parts, list(new.parts)
        elif isinstance(new, Content):
            self.content, self.multipart = new.kept(store), None  # a copy is no upload in parts
        else:
            self.content = content_of(new.encode() if isinstance(new, str) else new, store)
        self.contentsize = len(self.content)

    return property(get_value, set_value)


def etag(self: Any) -> str:
    """Stand in for FakeKey.etag."""
    if self._etag is None:
        digest = md5_hash()
        for block in self.content:
            digest.update(block)
        self._etag = digest.hexdigest()
    return f'"{self._etag}"'


def forget(self: Any) -> None:
    """Stand in for FakeKey.dispose and its kin: bytes go with the last that refers to them, a reader perhaps."""
    self.disposed = True


def get_state(self: FakeKey) -> dict[str, Any]:
    """Stand in for FakeKey.__getstate__, which reads all bytes."""
    return {name: value for name, value in vars(self).items() if name != "lock"}


def set_state(self: Any, state: dict[str, Any]) -> None:
    """Stand in for FakeKey.__setstate__."""
    vars(self).update(state)
    self.lock = threading.Lock()


def marking(init: Callable[..., None]) -> Callable[..., None]:
    """Wrap FakeDeleteMarker.__init__: of what it marks it needs to know only whether that is a marker too."""

    def mark(self: Any, key: Any) -> None:
        init(self, key)
        if isinstance(key, FakeKey):
            self.key = None

    return mark
