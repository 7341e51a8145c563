"""Copies on condition of their source's ETag, which moto does not look at."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

from moto.s3.exceptions import PreconditionFailed

_HEADER = "x-amz-copy-source-if-match"


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
