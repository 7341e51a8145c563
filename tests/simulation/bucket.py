"""S3 in memory, as a client of boto3: versions, ETags, conditions, multipart uploads, server-side copies, pages."""

import io
from typing import Any

from tests.simulation.facts import Looked
from tests.simulation.listings import Listings
from tests.simulation.objects import Broken, cut
from tests.simulation.uploads import Uploads
from tests.simulation.wire import failure

BUCKET = "mill"


class Bucket(Uploads, Listings):
    """The bucket; every method is that of the client."""

    def head_object(
        self, *, Bucket: str, Key: str, VersionId: str | None = None, ChecksumMode: str | None = None
    ) -> Any:
        def act() -> dict[str, Any]:
            self.world.note(Looked(Key, self.objects.get(Key)))
            found = self.find(Key, VersionId, "HeadObject", "404")
            return {
                "ContentLength": len(found.body),
                "ETag": f'"{found.etag}"',
                "VersionId": found.version,
                "Metadata": dict(found.metadata),
                "ChecksumCRC64NVME": found.etag,
                "ChecksumType": "FULL_OBJECT",
            }

        return self.call("HEAD", Key, act)

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
            found = self.find(Key, VersionId, "GetObject")
            if IfMatch and IfMatch.strip('"') != found.etag:
                raise failure("PreconditionFailed", 412, "GetObject")
            body = self._stream(cut(found.body, Range))
            return {"Body": body, "ETag": f'"{found.etag}"', "VersionId": found.version}

        return self.call("GET", Key, act)

    def _stream(self, body: bytes) -> io.BytesIO:
        if len(body) > 1 and self.world.kernel.chance(self.world.trouble.of("broken streams")):
            self.world.kernel.log("the stream will break")
            return Broken(body[: self.world.kernel.random.randrange(1, len(body))])
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
            self.hold(Key, IfMatch, IfNoneMatch, "PutObject")
            made = self.store(Key, Body, Metadata or {})
            return {"ETag": f'"{made.etag}"', "VersionId": made.version}

        condition = " if absent" if IfNoneMatch else " if unchanged" if IfMatch else ""
        return self.call(f"PUT{condition}", Key, act, True)

    def delete_object(self, *, Bucket: str, Key: str) -> Any:
        def act() -> dict[str, Any]:
            self.remove(Key)
            return {}

        return self.call("DELETE", Key, act, True)
