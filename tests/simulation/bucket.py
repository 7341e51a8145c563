"""S3 in memory, as a client of boto3: versions, ETags, conditions, multipart uploads, server-side copies, pages."""

import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from gristmill.storage import compose
from tests.simulation.facts import Deleted, Looked, Put
from tests.simulation.wire import failure

if TYPE_CHECKING:
    from tests.simulation.world import World

BUCKET = "mill"


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


class Bucket:
    """The one bucket there is; every method is that of the client."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.objects: dict[str, Object] = {}
        self._versions: dict[tuple[str, str], Object] = {}
        self._uploads: dict[str, Upload] = {}
        self._written: set[tuple[str, str]] = set()
        self.writes: list[str] = []  # keys, in the order in which they were written

    def ever(self, key: str, etag: str) -> bool:
        """Return whether an object ever had an ETag."""
        return (key, etag) in self._written

    def _call(self, what: str, key: str, act: Callable[[], Any], writes: bool = False) -> Any:
        return self._world.wire.call(f"{what} {key}", act, writes)

    def store(self, key: str, body: bytes, metadata: dict[str, str], parts: int = 0) -> Object:
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest() + (f"-{parts}" if parts else "")
        made = Object(bytes(body), etag, f"v{self._world.kernel.number()}", dict(metadata))
        old, self.objects[key] = self.objects.get(key), made
        self._versions[key, made.version] = made
        self._written.add((key, etag))
        self.writes.append(key)
        self._world.note(Put(key, old, made))
        return made

    def remove(self, key: str) -> None:
        """Remove an object, if it is there; its versions stay."""
        if self.objects.pop(key, None):
            self._world.note(Deleted(key))

    def _find(self, key: str, version: str | None, operation: str, code: str = "NoSuchKey") -> Object:
        found = self._versions.get((key, version)) if version else self.objects.get(key)
        if found is None:
            raise failure(code, 404, operation)
        return found

    def _hold(self, key: str, wanted: str | None, absent: str | None, operation: str) -> None:
        """Refuse a write whose condition does not hold."""
        there = self.objects.get(key)
        if absent and there is not None:
            raise failure("PreconditionFailed", 412, operation)
        if wanted and there is None:
            raise failure("NoSuchKey", 404, operation)
        if wanted and there is not None and there.etag != wanted.strip('"'):
            raise failure("PreconditionFailed", 412, operation)

    def head_object(
        self, *, Bucket: str, Key: str, VersionId: str | None = None, ChecksumMode: str | None = None
    ) -> Any:
        def act() -> dict[str, Any]:
            self._world.note(Looked(Key, self.objects.get(Key)))
            found = self._find(Key, VersionId, "HeadObject", "404")
            return {
                "ContentLength": len(found.body),
                "ETag": f'"{found.etag}"',
                "VersionId": found.version,
                "Metadata": dict(found.metadata),
                "ChecksumCRC64NVME": found.etag,
                "ChecksumType": "FULL_OBJECT",
            }

        return self._call("HEAD", Key, act)

    def get_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Range: str | None = None,
        VersionId: str | None = None,
        IfMatch: str | None = None,
        ChecksumMode: str | None = None,
    ) -> Any:
        def act() -> dict[str, Any]:
            found = self._find(Key, VersionId, "GetObject")
            if IfMatch and IfMatch.strip('"') != found.etag:
                raise failure("PreconditionFailed", 412, "GetObject")
            body = self._stream(_cut(found.body, Range))
            return {"Body": body, "ETag": f'"{found.etag}"', "VersionId": found.version}

        return self._call("GET", Key, act)

    def _stream(self, body: bytes) -> io.BytesIO:
        if len(body) > 1 and self._world.kernel.chance(self._world.trouble.of("broken streams")):
            self._world.kernel.log("the stream will break")
            return Broken(body[: self._world.kernel.random.randrange(1, len(body))])
        return io.BytesIO(body)

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes = b"",
        Metadata: dict[str, str] | None = None,
        ContentType: str | None = None,
        IfNoneMatch: str | None = None,
        IfMatch: str | None = None,
    ) -> Any:
        def act() -> dict[str, Any]:
            self._hold(Key, IfMatch, IfNoneMatch, "PutObject")
            made = self.store(Key, Body, Metadata or {})
            return {"ETag": f'"{made.etag}"', "VersionId": made.version}

        condition = " if absent" if IfNoneMatch else " if unchanged" if IfMatch else ""
        return self._call(f"PUT{condition}", Key, act, True)

    def delete_object(self, *, Bucket: str, Key: str) -> Any:
        def act() -> dict[str, Any]:
            self.remove(Key)
            return {}

        return self._call("DELETE", Key, act, True)

    def create_multipart_upload(self, *, Bucket: str, Key: str, Metadata: dict[str, str] | None = None) -> Any:
        def act() -> dict[str, Any]:
            name = f"u{self._world.kernel.number()}"
            self._uploads[name] = Upload(Key, Metadata or {})
            return {"UploadId": name}

        return self._call("CREATE", Key, act, True)

    def _upload(self, name: str, operation: str) -> Upload:
        if name not in self._uploads:
            raise failure("NoSuchUpload", 404, operation)
        return self._uploads[name]

    def upload_part(self, *, Bucket: str, Key: str, UploadId: str, PartNumber: int, Body: bytes) -> Any:
        def act() -> dict[str, Any]:
            self._upload(UploadId, "UploadPart").parts[PartNumber] = bytes(Body)
            return {"ETag": f'"{PartNumber}"'}

        return self._call("PART", Key, act, True)

    def upload_part_copy(
        self,
        *,
        Bucket: str,
        Key: str,
        UploadId: str,
        PartNumber: int,
        CopySource: dict[str, str],
        CopySourceRange: str,
        CopySourceIfMatch: str | None = None,
    ) -> Any:
        def act() -> dict[str, Any]:
            source = self._find(CopySource["Key"], CopySource.get("VersionId"), "UploadPartCopy")
            if CopySourceIfMatch and CopySourceIfMatch.strip('"') != source.etag:
                raise failure("PreconditionFailed", 412, "UploadPartCopy")
            if int(CopySourceRange.rpartition("-")[2]) >= len(source.body):
                raise failure("InvalidArgument", 400, "UploadPartCopy")
            upload = self._upload(UploadId, "UploadPartCopy")
            upload.parts[PartNumber] = _cut(source.body, CopySourceRange)
            return {"CopyPartResult": {"ETag": f'"{PartNumber}"'}}

        return self._call("COPY", f"{CopySource['Key']} to {Key}", act, True)

    def complete_multipart_upload(
        self,
        *,
        Bucket: str,
        Key: str,
        UploadId: str,
        MultipartUpload: dict[str, Any],
        IfNoneMatch: str | None = None,
        IfMatch: str | None = None,
    ) -> Any:
        def act() -> dict[str, Any]:
            upload = self._upload(UploadId, "CompleteMultipartUpload")
            self._hold(Key, IfMatch, IfNoneMatch, "CompleteMultipartUpload")
            bodies = [upload.parts[part["PartNumber"]] for part in MultipartUpload["Parts"]]
            if any(len(body) < compose.S3_PART_MIN for body in bodies[:-1]):
                raise failure("EntityTooSmall", 400, "CompleteMultipartUpload")
            del self._uploads[UploadId]
            made = self.store(Key, b"".join(bodies), upload.metadata, len(bodies))
            return {"ETag": f'"{made.etag}"', "VersionId": made.version}

        return self._call("COMPLETE", Key, act, True)

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str) -> Any:
        return self._call("ABORT", Key, lambda: self._uploads.pop(UploadId, None), True)

    def list_objects_v2(self, *, Bucket: str, Prefix: str = "") -> Any:
        def act() -> dict[str, Any]:
            at = format_datetime(datetime.fromtimestamp(self._world.kernel.now, UTC), usegmt=True)
            found = [self._listed(key) for key in self._keys(Prefix, "")]
            return {"Contents": found[:1000], "ResponseMetadata": {"HTTPHeaders": {"date": at}}}

        return self._call("LIST", Prefix, act)

    def get_paginator(self, name: str) -> "Bucket":
        assert name == "list_objects_v2", name
        return self

    def paginate(self, *, Bucket: str, Prefix: str = "", StartAfter: str = "", Delimiter: str = "") -> Iterator[Any]:
        """Yield pages; what changes between two of them shows or not, as in S3."""
        if Delimiter:
            yield self._call("LIST", Prefix, lambda: self._folders(Prefix, Delimiter))
            return
        after, size = StartAfter, self._world.trouble.page
        while True:
            keys = self._call(
                "LIST", Prefix, lambda start=after: [self._listed(key) for key in self._keys(Prefix, start)]
            )
            yield {"Contents": keys[:size]}
            if len(keys) <= size:
                return
            after = keys[size - 1]["Key"]

    def _keys(self, prefix: str, after: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix) and key > after)

    def _listed(self, key: str) -> dict[str, Any]:
        found = self.objects[key]
        return {"Key": key, "Size": len(found.body), "ETag": f'"{found.etag}"'}

    def _folders(self, prefix: str, delimiter: str) -> dict[str, Any]:
        rest = (key.removeprefix(prefix) for key in self._keys(prefix, ""))
        names = dict.fromkeys(key.partition(delimiter)[0] for key in rest if delimiter in key)
        return {"CommonPrefixes": [{"Prefix": f"{prefix}{name}{delimiter}"} for name in names]}


class Broken(io.BytesIO):
    """A body whose connection breaks before its end."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise ConnectionResetError("the connection broke")
        return data


def _cut(body: bytes, bounds: str | None) -> bytes:
    """Return what a `Range` asks for."""
    if bounds is None:
        return body
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", bounds)
    assert match, bounds
    first = int(match[1])
    if first >= len(body):
        raise failure("InvalidRange", 416, "GetObject")
    return body[first : int(match[2]) + 1 if match[2] else None]
