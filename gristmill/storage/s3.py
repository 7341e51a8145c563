"""S3: the one room that talks to it, and the bucket as a Storage."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any, BinaryIO

from botocore.exceptions import ClientError

from gristmill.clock import REAL, Clock
from gristmill.limits import MIB, UPLOAD_ONE_PUT, UPLOAD_PART
from gristmill.parallel import Together, together
from gristmill.storage.answers import as_changed, bare, checksum, code, is_archived, status, version_of
from gristmill.storage.compose import Composer
from gristmill.storage.protocol import ObjectInfo, Piece, Storage
from gristmill.storage.ranged import RangedReader

_READ_AHEAD = 1 * MIB
_CONFLICT_TRIES = 5


class S3Storage(Storage):
    """Objects of one bucket. A missing object is None or `False` where a caller may expect it, else a ClientError."""

    def __init__(self, bucket: str, client: Any, clock: Clock = REAL, at_once: Together = together) -> None:
        """Take the bucket's name and a client of S3."""
        self.bucket = bucket
        self.client = client
        self.clock = clock
        self.together = at_once

    @property
    def place(self) -> tuple[str, str]:
        """Return what tells this bucket from all others: the endpoint, and its name there."""
        return self.client.meta.endpoint_url, self.bucket

    def ensure_bucket(self) -> None:
        """Create the bucket unless it is there."""
        try:
            self.client.head_bucket(Bucket=self.bucket)
        except ClientError:
            self.client.create_bucket(Bucket=self.bucket)

    def head(self, key: str, version: str | None = None) -> ObjectInfo | None:
        """Return what is known of an object (of that very version, if given), None where there is none."""
        try:
            answer = self.client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED", **version_of(version))
        except ClientError as error:
            # of a version: 400 is one that S3 never gave out, 405 one that only marks a deletion
            if status(error) == 404 or (version is not None and status(error) in (400, 405)):
                return None
            raise
        return ObjectInfo(
            key,
            answer["ContentLength"],
            bare(answer["ETag"]),
            answer.get("VersionId"),
            answer["Metadata"],
            checksum(answer),
            answer.get("StorageClass", "STANDARD"),
            is_archived(answer),
        )

    def find(self, key: str, most: int = -1) -> bytes | None:
        """Return an object's bytes, the first `most` of them if that is given; None where there is no object."""
        try:
            with self.open_range(key, 0) as stream:
                return stream.read(most)
        except ClientError as error:
            if status(error) == 404:
                return None
            raise

    def open_range(
        self, key: str, start: int, end: int | None = None, version: str | None = None, etag: str = ""
    ) -> BinaryIO:
        """Return a buffered stream of bytes [start, end); a broken connection is taken up where it broke.

        Changed, as it is read, where the object no longer has `etag`.
        """
        which = {**version_of(version), **({"IfMatch": f'"{etag}"'} if etag else {})}

        def fetch(position: int) -> Any:
            if end is None and position == 0:
                bounds = {}
            else:
                bounds = {"Range": f"bytes={position}-{'' if end is None else end - 1}"}
            with as_changed(key, etag):
                return self.client.get_object(Bucket=self.bucket, Key=key, **bounds, **which)["Body"]

        return RangedReader(fetch, start, end, self.clock).buffered(_READ_AHEAD)

    def put(self, key: str, body: bytes, kind: str | None = None) -> str:
        """Write an object, of a media type if `kind` gives one; return its ETag."""
        return bare(self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **_kind(kind))["ETag"])

    def put_new(self, key: str, body: bytes, kind: str | None = None) -> bool:
        """Write an object unless it exists; return whether it was written."""
        return self._put_where(key, body, kind, IfNoneMatch="*")

    def put_if(self, key: str, body: bytes, etag: str, kind: str | None = None) -> bool:
        """Replace an object that still has `etag`; return whether it was replaced."""
        return self._put_where(key, body, kind, IfMatch=f'"{etag}"')

    def _put_where(self, key: str, body: bytes, kind: str | None, **condition: str) -> bool:
        """Write an object on a condition; return whether it was written.

        Where the answer is lost, the client asks again, and its own write breaks the condition. So an object that has
        these very bytes was written.
        """
        named = {"Bucket": self.bucket, "Key": key, "Body": body, **_kind(kind), **condition}
        for attempt in range(_CONFLICT_TRIES):
            try:
                self.client.put_object(**named)
            except ClientError as error:
                if status(error) == 412 or code(error) == "NoSuchKey":
                    return self.find(key, len(body) + 1) == body
                # 409: another conditional write is under way; S3's advice is to try again
                if status(error) != 409 or attempt == _CONFLICT_TRIES - 1:
                    raise
                self.clock.sleep(self.clock.uniform(0.05, 0.2) * 2**attempt)
            else:
                return True
        return False

    def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def upload(self, key: str, file: IO[bytes], metadata: dict[str, str] | None = None) -> str:
        """Write an object from an open file in parts, so memory stays small; return its ETag."""
        from boto3.s3.transfer import TransferConfig

        config = TransferConfig(multipart_threshold=UPLOAD_ONE_PUT, multipart_chunksize=UPLOAD_PART, max_concurrency=2)
        config.max_in_memory_upload_chunks = 2
        extra = {"Metadata": metadata} if metadata else {}
        self.client.upload_fileobj(file, self.bucket, key, ExtraArgs=extra, Config=config)
        return bare(self.client.head_object(Bucket=self.bucket, Key=key)["ETag"])

    def compose(
        self,
        key: str,
        pieces: Sequence[Piece],
        metadata: dict[str, str],
        scratch: str,
        check: Callable[[], None] | None = None,
    ) -> ObjectInfo:
        """Write `key` as the pieces in order, copied by S3 itself wherever it can; it appears whole or not at all.

        Changed where an object of a piece no longer has the piece's ETag. More pieces than an upload has parts go
        through intermediate objects under `scratch`, deleted afterwards.
        """
        return Composer(self, self.client, check).compose(key, pieces, metadata, scratch)

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects under a prefix in key order."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, StartAfter=after
        )
        for page in pages:
            for item in page.get("Contents", []):
                storage = item.get("StorageClass", "STANDARD")
                yield ObjectInfo(item["Key"], item["Size"], bare(item["ETag"]), storage=storage)

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield what lies under a prefix as far as the next slash, each once, with that slash."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/")
        for page in pages:
            yield from (folder["Prefix"] for folder in page.get("CommonPrefixes", []))

    def list_dated(self, prefix: str) -> tuple[Sequence[str], datetime]:
        """Return the first 1,000 keys under a prefix, and the time of that listing by S3's own clock."""
        answer = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        at = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        return [item["Key"] for item in answer.get("Contents", [])], at

    def download(self, key: str, file: Path, progress: Callable[[int], None] | None = None) -> None:
        """Write an object to a file, whole or not at all; `progress` gets the number of bytes as they come."""
        self.client.download_file(self.bucket, key, str(file), Callback=progress)

    def address(self, key: str, seconds: int) -> str:
        """Return a URL of an object that any browser may open for so many seconds."""
        wanted = {"Bucket": self.bucket, "Key": key}
        url: str = self.client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)
        return url


def _kind(kind: str | None) -> dict[str, str]:
    return {"ContentType": kind} if kind else {}
