"""Multipart uploads, as calls of the client."""

from typing import Any

from gristmill.storage import compose
from tests.simulation.objects import Objects, Upload, cut
from tests.simulation.wire import failure


class Uploads(Objects):
    """The part of the client that makes objects of parts."""

    def create_multipart_upload(self, *, Bucket: str, Key: str, Metadata: dict[str, str] | None = None) -> Any:
        def act() -> dict[str, Any]:
            name = f"u{self.world.kernel.number()}"
            self.uploads[name] = Upload(Key, Metadata or {})
            return {"UploadId": name}

        return self.call("CREATE", Key, act, True)

    def _upload(self, name: str, operation: str) -> Upload:
        if name not in self.uploads:
            raise failure("NoSuchUpload", 404, operation)
        return self.uploads[name]

    def upload_part(self, *, Bucket: str, Key: str, UploadId: str, PartNumber: int, Body: bytes) -> Any:
        def act() -> dict[str, Any]:
            self._upload(UploadId, "UploadPart").parts[PartNumber] = bytes(Body)
            return {"ETag": f'"{PartNumber}"'}

        return self.call("PART", Key, act, True)

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
            source = self.find(CopySource["Key"], CopySource.get("VersionId"), "UploadPartCopy")
            if CopySourceIfMatch and CopySourceIfMatch.strip('"') != source.etag:
                raise failure("PreconditionFailed", 412, "UploadPartCopy")
            if int(CopySourceRange.rpartition("-")[2]) >= len(source.body):
                raise failure("InvalidArgument", 400, "UploadPartCopy")
            upload = self._upload(UploadId, "UploadPartCopy")
            upload.parts[PartNumber] = cut(source.body, CopySourceRange)
            return {"CopyPartResult": {"ETag": f'"{PartNumber}"'}}

        return self.call("COPY", f"{CopySource['Key']} to {Key}", act, True)

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
            self.hold(Key, IfMatch, IfNoneMatch, "CompleteMultipartUpload")
            bodies = [upload.parts[part["PartNumber"]] for part in MultipartUpload["Parts"]]
            if any(len(body) < compose.S3_PART_MIN for body in bodies[:-1]):
                raise failure("EntityTooSmall", 400, "CompleteMultipartUpload")
            del self.uploads[UploadId]
            made = self.store(Key, b"".join(bodies), upload.metadata, len(bodies))
            return {"ETag": f'"{made.etag}"', "VersionId": made.version}

        return self.call("COMPLETE", Key, act, True)

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str) -> Any:
        return self.call("ABORT", Key, lambda: self.uploads.pop(UploadId, None), True)
