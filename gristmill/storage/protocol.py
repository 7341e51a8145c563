"""What every storage does, whatever lies behind it."""

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO, Protocol

from gristmill.clock import Clock
from gristmill.errors import GristmillError
from gristmill.parallel import Together

_WRITES_TRIED = 8  # each failed one means that somebody else has written


@dataclass(frozen=True)
class ObjectInfo:
    """What a listing or a HEAD tells of an object; all beyond its ETag and class comes from a HEAD alone."""

    key: str
    size: int
    etag: str
    version: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    checksum: str | None = None  # S3's own: algorithm and value
    storage: str = "STANDARD"  # class
    is_archived: bool = False  # it must be restored before it can be read

    @property
    def sha256(self) -> str:
        """Return S3's checksum where it is a SHA-256, of the bytes or of those of the parts: both tell them apart."""
        return self.checksum if self.checksum and self.checksum.startswith("SHA256 ") else ""


@dataclass(frozen=True)
class Piece:
    """Bytes [start, end) of an object: of any that has the key, or of that with `etag` or of that `version` alone."""

    key: str
    start: int
    end: int
    etag: str = ""
    version: str | None = None

    @property
    def size(self) -> int:
        """Return the piece's bytes."""
        return self.end - self.start


class Storage(Protocol):
    """Objects of one bucket, by key. `clock` and `together` are how it waits and makes requests at once."""

    bucket: str
    clock: Clock
    together: Together

    @abstractmethod
    def head(self, key: str, version: str | None = None) -> ObjectInfo | None:
        """Return what is known of an object (of that very version, if given), None where there is none."""

    @abstractmethod
    def open_range(
        self, key: str, start: int, end: int | None = None, version: str | None = None, etag: str = ""
    ) -> BinaryIO:
        """Return a buffered stream of bytes [start, end) of an object, of that very version or with that ETag if given.

        What is read from it is of one object: Changed where it is not, or no longer, the one with `etag`.
        """

    @abstractmethod
    def find(self, key: str, most: int = -1) -> bytes | None:
        """Return an object's bytes, the first `most` of them if that is given; None where there is no object."""

    @abstractmethod
    def put(self, key: str, body: bytes, kind: str | None = None) -> str:
        """Write an object, of a media type if `kind` gives one; return its ETag."""

    @abstractmethod
    def put_new(self, key: str, body: bytes, kind: str | None = None) -> bool:
        """Write an object unless it exists; return whether it was written."""

    @abstractmethod
    def put_if(self, key: str, body: bytes, etag: str, kind: str | None = None) -> bool:
        """Replace an object that still has `etag`; return whether it was replaced."""

    def put_over(self, key: str, body: bytes, seen: ObjectInfo | None, kind: str | None = None) -> bool:
        """Write an object where all is as it was `seen`, None being no object; return whether it was written."""
        return self.put_if(key, body, seen.etag, kind) if seen else self.put_new(key, body, kind)

    def put_checked(self, key: str, body: bytes, check: Callable[[], object], kind: str | None = None) -> None:
        """Write an object unless `check` raises; it is asked between a look at what is there and a write over that.

        So a writer that `check` admits no more never takes the place of one that it admitted later.
        """
        for _ in range(_WRITES_TRIED):
            seen = self.head(key)
            check()
            if self.put_over(key, body, seen, kind):
                return
        raise GristmillError(f"{key} changes all the time.", "Repeat in a moment.")

    @abstractmethod
    def upload(self, key: str, file: IO[bytes], metadata: dict[str, str] | None = None) -> str:
        """Write an object from an open file, holding little of it in memory; return its ETag."""

    @abstractmethod
    def compose(
        self,
        key: str,
        pieces: Sequence[Piece],
        metadata: dict[str, str],
        scratch: str,
        check: Callable[[], None] | None = None,
    ) -> ObjectInfo:
        """Write `key` as the pieces in order; it appears whole or not at all. Return its size, ETag and version.

        Changed where an object of a piece no longer has the piece's ETag. Intermediate objects lie under `scratch` for
        a while. `check` is asked last, before `key` appears, and raises where it must not.
        """

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove an object, if it is there."""

    @abstractmethod
    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects under a prefix in key order, from the first key behind `after` on."""

    def read(
        self, key: str, start: int = 0, end: int | None = None, version: str | None = None, etag: str = ""
    ) -> bytes:
        """Return bytes [start, end) of an object; all of it by default. `version` and `etag` as in `open_range`."""
        if end is not None and end <= start:
            return b""
        with self.open_range(key, start, end, version, etag) as stream:
            return stream.read()

    def read_json(self, key: str) -> Any:
        """Return an object's JSON."""
        return json.loads(self.read(key))
