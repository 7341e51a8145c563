"""The objects of the bucket: versions, ETags, conditions, and bodies that end early."""

import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulation.facts import Deleted, Put
from tests.simulation.wire import failure

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass(frozen=True)
class Object:
    """A version of an object."""

    body: bytes
    etag: str
    version: str
    metadata: dict[str, str]


@dataclass
class Upload:
    """A multipart upload that was not completed yet."""

    key: str
    metadata: dict[str, str]
    parts: dict[int, bytes] = field(default_factory=dict)


class Objects:
    """The objects, as calls of any kind find and change them."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.objects: dict[str, Object] = {}
        self._versions: dict[tuple[str, str], Object] = {}
        self.uploads: dict[str, Upload] = {}
        self._written: set[tuple[str, str]] = set()
        self.writes: list[str] = []  # keys, in the order in which they were written

    def ever(self, key: str, etag: str) -> bool:
        """Return whether an object ever had an ETag."""
        return (key, etag) in self._written

    def call(self, what: str, key: str, act: Callable[[], Any], writes: bool = False) -> Any:
        return self.world.wire.call(f"{what} {key}", act, writes)

    def store(self, key: str, body: bytes, metadata: dict[str, str], parts: int = 0) -> Object:
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest() + (f"-{parts}" if parts else "")
        made = Object(bytes(body), etag, f"v{self.world.kernel.number()}", dict(metadata))
        old, self.objects[key] = self.objects.get(key), made
        self._versions[key, made.version] = made
        self._written.add((key, etag))
        self.writes.append(key)
        self.world.note(Put(key, old, made))
        return made

    def remove(self, key: str) -> None:
        """Remove an object, if it is there; its versions stay."""
        if self.objects.pop(key, None):
            self.world.note(Deleted(key))

    def find(self, key: str, version: str | None, operation: str, code: str = "NoSuchKey") -> Object:
        found = self._versions.get((key, version)) if version else self.objects.get(key)
        if found is None:
            raise failure(code, 404, operation)
        return found

    def hold(self, key: str, wanted: str | None, absent: str | None, operation: str) -> None:
        """Refuse a write whose condition does not hold."""
        there = self.objects.get(key)
        if absent and there is not None:
            raise failure("PreconditionFailed", 412, operation)
        if wanted and there is None:
            raise failure("NoSuchKey", 404, operation)
        if wanted and there is not None and there.etag != wanted.strip('"'):
            raise failure("PreconditionFailed", 412, operation)


class Broken(io.BytesIO):
    """A body whose connection breaks before its end."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise ConnectionResetError("the connection broke")
        return data


def cut(body: bytes, bounds: str | None) -> bytes:
    """Return what a `Range` asks for."""
    if bounds is None:
        return body
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", bounds)
    assert match, bounds
    first = int(match[1])
    if first >= len(body):
        raise failure("InvalidRange", 416, "GetObject")
    return body[first : int(match[2]) + 1 if match[2] else None]
