"""User metadata as S3 keeps them: 2 KB in all, and beyond ASCII as RFC 2047 has it."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import S3ClientError

_PREFIX = "x-amz-meta-"
_MOST_BYTES = 2 * 1024  # Amazon S3 user guide, Working with object metadata: names and values in UTF-8


class MetadataTooLarge(S3ClientError):  # type: ignore[misc]
    """Raised for user metadata beyond the limit."""

    code = "MetadataTooLarge"
    message = "Your metadata headers exceed the maximum allowed metadata size"


def as_s3_keeps_them(metadata_from_headers: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap metadata_from_headers, of headers whose bytes were read as Latin-1."""

    def kept(headers: Any) -> Any:
        metadata = metadata_from_headers(headers)
        own = {name: value for name, value in metadata.items() if name.startswith(_PREFIX)}
        if sum(len(name.removeprefix(_PREFIX)) + len(value.encode()) for name, value in own.items()) > _MOST_BYTES:
            raise MetadataTooLarge
        metadata.update({name: _mail_safe(value) for name, value in own.items()})
        return metadata

    return kept


def _mail_safe(value: str) -> str:
    return value if value.isascii() else f"=?UTF-8?B?{b64encode(value.encode()).decode()}?="
