"""Writes and copies on condition of an ETag: what moto does not look at, and nothing between a look and its write."""

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

from moto.s3.exceptions import MissingKey, PreconditionFailed

_HEADER = "x-amz-copy-source-if-match"
_KEYS = [threading.RLock() for _ in range(64)]


def on_condition(copy: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap S3Response's copies: one whose source has another ETag than it must is refused."""

    def checked(self: Any, *arguments: Any, **named: Any) -> Any:
        wanted = self.headers.get(_HEADER)
        if wanted:
            source = urlparse(self.headers["x-amz-copy-source"])
            bucket, _, key = unquote(source.path).lstrip("/").partition("/")
            version = parse_qs(source.query).get("versionId", [None])[0]
            found = self.backend.get_object(bucket, key, version_id=version)
            if found and found.etag.strip('"') != wanted.strip('"'):
                raise PreconditionFailed(failed_condition=_HEADER)
        return copy(self, *arguments, **named)

    return checked


def one_by_one(write: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a write of S3Response: those to one key come one after another, so that a condition holds when it writes."""

    def alone(self: Any, *arguments: Any, **named: Any) -> Any:
        with _KEYS[hash((self.bucket_name, self.parse_key_name())) % len(_KEYS)]:
            return write(self, *arguments, **named)

    return alone


def completing(post: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap S3Response's posts: an upload is not completed where the object has another ETag than it must."""

    def checked(self: Any, request: Any, body: bytes, bucket: str, query: dict[str, Any], key: str) -> Any:
        wanted = request.headers.get("If-Match")
        if wanted and "uploadId" in query:
            found = self.backend.get_object(bucket, key)
            is_done = found is not None and found.multipart and found.multipart.id == query["uploadId"][0]
            if found is None:
                raise MissingKey
            if not is_done and found.etag.strip('"') != wanted.strip('"'):
                raise PreconditionFailed(failed_condition="If-Match")
        return post(self, request, body, bucket, query, key)

    return checked
