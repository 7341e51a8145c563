"""Reads bytes as a run does: indexed as Split does it, then task by task as a child does."""

import gzip
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, BinaryIO

from Bio import bgzf as reference

from gristmill.chunks import index
from gristmill.chunks.cutting import ensure_index
from gristmill.errors import Refused
from gristmill.formats.reader import Malformed
from gristmill.pipeline.model import Pipeline
from gristmill.runs.locations import frozen
from gristmill.runs.records import InputObject, RunRecord
from gristmill.storage.local import LocalStorage
from gristmill.storage.protocol import ObjectInfo
from gristmill.worker.child.inputs import make_feeds
from tests.simulation.seams import one_after_another

KEY, RUN = "inputs/odd/file", "0123456789abcdef"


def etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


class MemoryStorage(LocalStorage):
    """A Storage that is a dictionary."""

    bucket = "memory"

    def __init__(self, objects: dict[str, bytes]) -> None:
        super().__init__(at_once=one_after_another)  # threads take longer than to read memory
        self.objects = objects

    def head(self, key: str, version: str | None = None) -> ObjectInfo | None:
        return ObjectInfo(key, len(self.objects[key]), etag(self.objects[key])) if key in self.objects else None

    def open_range(
        self, key: str, start: int, end: int | None = None, version: str | None = None, etag: str = ""
    ) -> BinaryIO:
        return io.BytesIO(self.objects[key][start:end])

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        found = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        return iter([ObjectInfo(key, len(self.objects[key]), etag(self.objects[key])) for key in found])

    def delete(self, key: str) -> None:
        del self.objects[key]

    def _write(self, key: str, blocks: Any, metadata: dict[str, str]) -> str:
        self.objects[key] = b"".join(blocks)
        return etag(self.objects[key])


@dataclass(frozen=True)
class Reading:
    """What came of an input: the tasks' bytes and the number of records, or why it was refused."""

    chunks: tuple[bytes, ...] = ()
    records: int = 0
    counted: int | None = None  # by the index
    refusal: str = ""
    refused_by: str = ""  # split or task


def record_of(split: dict[str, Any], body: bytes) -> RunRecord:
    branches = [{"name": "copied", "command": ["cp", "{input}", "{output}"]}]
    stages = [{"name": "map", "split": split, "branches": branches}]
    pipeline = Pipeline.model_validate({"version": 1, "name": "odd", "description": "Odd.", "stages": stages})
    return RunRecord(
        run=RUN,
        execution="",
        claimed_at=datetime(2026, 1, 2, tzinfo=UTC),
        owner="",
        input=InputObject(bucket="memory", key=KEY, version=None, etag="", size=len(body), sequencer=""),
        pipeline=pipeline,
        parameters={},
        faults=[],
    )


def read(split: dict[str, Any], body: bytes) -> Reading:
    """Return what a run with this split reads of a dropped file."""
    store, record = MemoryStorage({KEY: body}), record_of(split, body)
    stage = frozen(record).stages[0]
    try:
        cut = ensure_index(store, record, stage)
    except Refused as refused:
        return Reading(refusal="; ".join(refused.advice), refused_by="split")
    values = index.read_values(store, cut.index, 0, cut.values)
    feed = make_feeds(store, record, stage, cut)(values[-1])
    chunks, records = [], 0
    for start, end in pairwise(values):
        chunk = feed.chunk(start, end)
        try:
            chunks.append(chunk.argument().read())
            chunk.finish()
        except Malformed as broken:
            return Reading(refusal=str(broken), refused_by="task")
        records += chunk.records
    return Reading(tuple(chunks), records, cut.records)


def bgzip(text: bytes, block: int = 65280, end: bytes = reference._bgzf_eof) -> bytes:
    """Return BGZF with blocks of so many bytes of data."""
    body = io.BytesIO()
    writer = reference.BgzfWriter(fileobj=body)
    for place in range(0, len(text), block):
        writer.write(text[place : place + block])
        writer.flush()
    writer.close = None  # its end would close the stream
    return body.getvalue() + end


def gzip_members(text: bytes, size: int) -> bytes:
    """Return gzip of members with so many bytes of data."""
    return b"".join(gzip.compress(text[place : place + size], mtime=0) for place in range(0, len(text), size))


PACKED: dict[str, Callable[[bytes, int], bytes]] = {
    "plain": lambda text, _size: text,
    "gzip": gzip_members,
    "bgzf": bgzip,
}
