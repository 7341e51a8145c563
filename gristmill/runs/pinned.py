"""What a run reads of what it has made or was given, pinned: those very bytes, whatever lies under the key by now."""

from collections.abc import Callable
from typing import BinaryIO, Literal, Self

from pydantic import Field

from gristmill import keys
from gristmill.enums import Encoding
from gristmill.errors import Changed
from gristmill.runs.reading import find_readable, read
from gristmill.runs.schema import Count, Record
from gristmill.storage import ObjectInfo, Storage


class ObjectVersion(Record):
    """An object as it was: by version where the bucket has versions, and by ETag (empty: whatever is there)."""

    key: str
    version: str | None
    etag: str
    size: Count
    sha256: str = ""  # as S3 has verified it; empty where it has none, or was not asked

    @classmethod
    def of(cls, found: ObjectInfo) -> Self:
        """Return the object that a HEAD or a write is about."""
        return cls(key=found.key, version=found.version, etag=found.etag, size=found.size, sha256=found.sha256)

    def open(self, store: Storage, start: int, end: int) -> BinaryIO:
        """Return a stream of bytes [start, end); Changed, at the latest as it is read, where they cannot be had."""
        return store.open_range(self.key, start, min(end, self.size), self.version, self.etag)

    def read(self, store: Storage, start: int = 0, end: int | None = None) -> bytes:
        """Return bytes [start, end), all by default; Changed where they cannot be had."""
        return store.read(self.key, start, self.size if end is None else end, self.version, self.etag)

    def is_same(self, other: "ObjectVersion") -> bool:
        """Return whether another object has the same bytes."""
        return (self.etag, self.size) == (other.etag, other.size)


class Cut(Record):
    """What is cut and the index of it, both pinned, and what the index says of it all."""

    source: ObjectVersion
    index: ObjectVersion
    values: Count  # of the index
    records: Count | None  # None: not counted
    encoding: Encoding

    @property
    def tasks(self) -> int:
        """Return the tasks of the stage: one between each two values."""
        return max(self.values - 1, 0)


class StageCut(Cut):
    """`cut-<fingerprint>.json`: what a stage reads, as it is cut, and the mates of that, cut at the same records."""

    contract: Literal[1] = 1
    mates: Cut | None = None  # None: it reads no pairs
    joins: dict[str, ObjectVersion] = Field(default_factory=dict)  # branches that each task is given whole, by name


class Published(Record):
    """`published.json`: what Merge made of a branch's output of so many tasks.

    Of a branch that publishes files, `output` is the prefix of their keys; its ETag is a digest of theirs.
    """

    contract: Literal[1] = 1
    output: ObjectVersion
    tasks: Count
    left_out: list[Count] = Field(default_factory=list)  # tasks that are not in it


def read_cut(store: Storage, stage: keys.StageKeys) -> StageCut:
    """Return what a stage reads; NotFound before it was cut, Corrupt where its record cannot be read."""
    return read(store, StageCut, stage.cut)


def find_cut(store: Storage, stage: keys.StageKeys) -> StageCut | None:
    """Return what a stage reads, None where it was not cut or that cannot be read."""
    return find_readable(store, StageCut, stage.cut)


def find_published(store: Storage, branch: keys.BranchKeys) -> Published | None:
    """Return what Merge made of a branch, None where it was not merged or that cannot be read."""
    return find_readable(store, Published, branch.published)


def replace_object(store: Storage, key: str, body: bytes, check: Callable[[], object] = lambda: None) -> ObjectVersion:
    """Write a control object over whatever is there, unless `check` raises; return it as it is then."""
    store.put_checked(key, body, check)
    made = store.head(key)
    if made is None or made.size != len(body):
        raise Changed(f"{key} was replaced or removed just after it was written.", "Repeat in a moment.")
    return ObjectVersion.of(made)
