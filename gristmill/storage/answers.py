"""What S3 answers: its words for versions, checksums, ETags and errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from gristmill.errors import Changed

_CHANGED = (404, 412)  # of what was to have an ETag


def version_of(version: str | None) -> dict[str, str]:
    """Return how a request names a version, if it does."""
    return {"VersionId": version} if version else {}


def checksum(answer: Mapping[str, Any]) -> str | None:
    """Return S3's own checksum of an object; it says so where it is one of the parts' checksums."""
    for name, value in answer.items():
        if name.startswith("Checksum") and name != "ChecksumType":
            parts = " of parts" if answer.get("ChecksumType") == "COMPOSITE" else ""
            return f"{name.removeprefix('Checksum')} {value}{parts}"
    return None


def is_archived(answer: Mapping[str, Any]) -> bool:
    """Return whether an object lies in an archive and is not restored (Amazon S3 API reference, HeadObject)."""
    lies_there = answer.get("StorageClass") in ("GLACIER", "DEEP_ARCHIVE") or "ArchiveStatus" in answer
    return lies_there and 'ongoing-request="false"' not in answer.get("Restore", "")


def status(error: ClientError) -> int:
    """Return the HTTP status of an error."""
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


def code(error: ClientError) -> str:
    """Return S3's code of an error."""
    return str(error.response["Error"]["Code"])


def bare(etag: str) -> str:
    """Return an ETag without its quotes."""
    return etag.strip('"')


@contextmanager
def as_changed(key: str, etag: str) -> Iterator[None]:
    """Raise Changed where S3 answers that an object, which was to have `etag`, has another or is gone."""
    try:
        yield
    except ClientError as error:
        if etag and status(error) in _CHANGED:
            raise Changed(f"{key} was replaced or removed: it was to have the ETag {etag}.") from error
        raise
