"""The one module that talks to S3."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any, BinaryIO

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from gristmill.limits import MIB
from gristmill.storage.ranged import RangedReader

_READ_AHEAD = 1 * MIB
_CONFLICT_TRIES = 5
_BOUNDED = Config(
    retries={"mode": "standard", "total_max_attempts": 8},
    connect_timeout=10,
    read_timeout=60,
    max_pool_connections=32,
    user_agent_extra="gristmill",
)


@dataclass(frozen=True)
class ObjectInfo:
    """What a listing or a HEAD tells of an object; all beyond its ETag comes from a HEAD alone."""

    key: str
    size: int
    etag: str
    version: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    checksum: str | None = None  # S3's own: algorithm and value
    storage: str = "STANDARD"  # class, as a listing tells it


def make_client(service: str, config: Config | None = None, session: Any = None, **settings: Any) -> Any:
    """Return a boto3 client with bounded time-outs and retries: backoff with jitter, and a retry quota of its own.

    What `config` sets goes before these. Without a boto3 `session`, the user's own configuration applies.
    """
    import boto3

    return (session or boto3).client(service, config=_BOUNDED.merge(config) if config else _BOUNDED, **settings)


def make_bare_client(service: str, config: Config | None = None) -> Any:
    """Return the same without what boto3 adds: a tenth of a second sooner in a new process, and it cannot `upload`."""
    return _session().create_client(service, config=_BOUNDED.merge(config) if config else _BOUNDED)


@cache
def _session() -> Session:
    return Session()


class Store:
    """Objects of one bucket. A missing object is None or `False` where a caller may expect it, else a ClientError."""

    def __init__(self, bucket: str, client: Any, folder: Path | None = None) -> None:
        """Take the bucket's name and a client; `folder` is where objects lie that are files of this machine instead."""
        self.bucket = bucket
        self.client = client
        self.folder = folder

    def head(self, key: str, version: str | None = None) -> ObjectInfo | None:
        """Return what is known of an object (of that very version, if given), None where there is none."""
        try:
            answer = self.client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED", **_version(version))
        except ClientError as error:
            # of a version: 400 is one that S3 never gave out, 405 one that only marks a deletion
            if _status(error) == 404 or (version is not None and _status(error) in (400, 405)):
                return None
            raise
        return ObjectInfo(
            key,
            answer["ContentLength"],
            _bare(answer["ETag"]),
            answer.get("VersionId"),
            answer["Metadata"],
            _checksum(answer),
        )

    def read(self, key: str, start: int = 0, end: int | None = None, version: str | None = None) -> bytes:
        """Return bytes [start, end) of an object; all of it by default."""
        if end is not None and end <= start:
            return b""
        with self.open_range(key, start, end, version) as stream:
            return stream.read()

    def find(self, key: str, most: int = -1) -> bytes | None:
        """Return an object's bytes, the first `most` of them if that is given; None where there is no object."""
        try:
            with self.open_range(key, 0) as stream:
                return stream.read(most)
        except ClientError as error:
            if _status(error) == 404:
                return None
            raise

    def open_range(self, key: str, start: int, end: int | None = None, version: str | None = None) -> BinaryIO:
        """Return a buffered stream of bytes [start, end); a broken connection is taken up where it broke."""

        def fetch(position: int) -> Any:
            if end is None and position == 0:
                bounds = {}
            else:
                bounds = {"Range": f"bytes={position}-{'' if end is None else end - 1}"}
            answer = self.client.get_object(Bucket=self.bucket, Key=key, **bounds, **_version(version))
            return answer["Body"]

        return RangedReader(fetch, start, end).buffered(_READ_AHEAD)

    def put(self, key: str, body: bytes, kind: str | None = None) -> str:
        """Write an object, of a media type if `kind` gives one; return its ETag."""
        more = {"ContentType": kind} if kind else {}
        return _bare(self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **more)["ETag"])

    def put_new(self, key: str, body: bytes) -> bool:
        """Write an object unless it exists; tell whether it was written."""
        return self._put_where(key, body, IfNoneMatch="*")

    def put_if(self, key: str, body: bytes, etag: str) -> bool:
        """Replace an object that still has `etag`; tell whether it was replaced."""
        return self._put_where(key, body, IfMatch=f'"{etag}"')

    def _put_where(self, key: str, body: bytes, **condition: str) -> bool:
        for attempt in range(_CONFLICT_TRIES):
            try:
                self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **condition)
            except ClientError as error:
                if _status(error) == 412:
                    return False
                # 409: another conditional write is under way; S3's advice is to try again
                if _status(error) != 409 or attempt == _CONFLICT_TRIES - 1:
                    raise
                time.sleep(random.uniform(0.05, 0.2) * 2**attempt)  # noqa: S311
            else:
                return True
        return False

    def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def upload(
        self,
        key: str,
        file: IO[bytes],
        metadata: dict[str, str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> str:
        """Write an object from an open file in parts, so memory stays small; return its ETag.

        `progress` gets the number of bytes as they go.
        """
        from boto3.s3.transfer import TransferConfig

        config = TransferConfig(multipart_threshold=16 * MIB, multipart_chunksize=5 * MIB, max_concurrency=2)
        config.max_in_memory_upload_chunks = 2
        extra = {"Metadata": metadata} if metadata else {}
        self.client.upload_fileobj(file, self.bucket, key, ExtraArgs=extra, Config=config, Callback=progress)
        return _bare(self.client.head_object(Bucket=self.bucket, Key=key)["ETag"])

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects under a prefix in key order."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, StartAfter=after
        )
        for page in pages:
            for item in page.get("Contents", []):
                storage = item.get("StorageClass", "STANDARD")
                yield ObjectInfo(item["Key"], item["Size"], _bare(item["ETag"]), storage=storage)

    def read_json(self, key: str) -> Any:
        """Return an object's JSON."""
        return json.loads(self.read(key))


def _version(version: str | None) -> dict[str, str]:
    return {"VersionId": version} if version else {}


def _checksum(answer: Mapping[str, Any]) -> str | None:
    """Return S3's own checksum of an object; one of its parts' checksums says so."""
    for name, value in answer.items():
        if name.startswith("Checksum") and name != "ChecksumType":
            parts = " of parts" if answer.get("ChecksumType") == "COMPOSITE" else ""
            return f"{name.removeprefix('Checksum')} {value}{parts}"
    return None


def _status(error: ClientError) -> int:
    status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status


def _bare(etag: str) -> str:
    return etag.strip('"')
