"""Uploads in parts: the object is its parts in a row, none of them moved; what is known of a part is known at once."""

import binascii
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML, NoSuchUpload
from moto.s3.models import S3_UPLOAD_PART_MIN_SIZE, FakeKey, MultipartChecksumBuilder
from moto.utilities.utils import md5_hash

from embedded_aws.services.s3.checksums import checksum
from embedded_aws.services.s3.content import Content


class Joined(Content):
    """Whole keys in a row, by their part numbers: a completed upload, whose key owns them."""

    def __init__(self, parts: dict[int, Any]) -> None:
        super().__init__(span for part in parts.values() for span in part.content.spans)
        self.parts = parts


class Uploads(dict[str, Any]):
    """Stands in for MultipartDict: the uploads of a bucket by their ids."""

    def __missing__(self, upload: str) -> Any:
        raise NoSuchUpload(upload_id=upload)


def set_part(self: Any, part_id: int, value: bytes | Content) -> FakeKey:
    """Stand in for FakeMultipart.set_part; the checksum that the upload asks for is kept with the part."""
    if part_id < 1:
        raise NoSuchUpload(upload_id=part_id)
    part = FakeKey(
        part_id,
        value,
        account_id=self.account_id,
        region_name=self.region_name,
        encryption=self.sse_encryption,
        kms_key_id=self.kms_key_id,
    )
    part.etag  # noqa: B018 - computed here, where no other part waits for it
    algorithm = self.metadata.get("x-amz-checksum-algorithm")
    part.checksum_algorithm = algorithm
    part.checksum_value = checksum(part.content, algorithm).decode() if algorithm else None
    self.parts[part_id] = part
    return part


def list_parts(self: Any, part_number_marker: int, max_parts: int) -> Iterator[FakeKey]:
    """Stand in for FakeMultipart.list_parts, which takes the marker for a place in the list."""
    numbers = sorted(number for number in list(self.parts) if number > part_number_marker)
    return (self.parts[number] for number in islice(numbers, max_parts))


def is_truncated(self: Any, bucket_name: str, multipart_id: str, next_part_number_marker: int) -> bool:
    """Stand in for S3Backend.is_truncated, for the same reason."""
    parts = self.get_bucket(bucket_name).multiparts[multipart_id].parts
    return max(parts, default=0) > next_part_number_marker


def with_checksums(serialized: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap S3Response.serialized: a list of parts tells their checksums."""

    def serialize(self: Any, action_result: Any) -> Any:
        result = action_result.result
        if self.data.get("Action") == "ListParts" and isinstance(result, dict):
            upload = self.backend.get_bucket(self.bucket_name).multiparts[result["UploadId"]]
            for row in result["Parts"]:
                part = upload.parts[row["PartNumber"]]
                if part.checksum_value:
                    row[f"Checksum{part.checksum_algorithm}"] = part.checksum_value
        return serialized(self, action_result)

    return serialize


def complete(self: Any, body: Iterable[tuple[int, str]]) -> tuple[Joined, str, tuple[str, str, int] | None]:
    """Stand in for FakeMultipart.complete."""
    whole = Joined({number: _part(self, number, etag) for number, etag in body})
    parts = list(whole.parts.values())
    if not parts:
        raise MalformedXML
    if any(part.contentsize < S3_UPLOAD_PART_MIN_SIZE for part in parts[:-1]):
        raise EntityTooSmall
    digest = md5_hash()
    digest.update(b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts))
    return whole, f"{digest.hexdigest()}-{len(parts)}", _checksum(self.metadata, whole)


def _part(multipart: Any, number: int, etag: str) -> Any:
    part = multipart.parts.get(number)
    if part is None or part.etag.strip('"') != etag.strip('"'):
        raise InvalidPart
    return part


def _checksum(metadata: Any, whole: Joined) -> tuple[str, str, int] | None:
    """Return the checksum that the upload asked for, as moto words it; one of all bytes is kept for CRC32 alone."""
    algorithm, kind = metadata.get("x-amz-checksum-algorithm"), metadata.get("x-amz-checksum-type")
    if algorithm is None:
        return None
    if MultipartChecksumBuilder(algorithm, kind).checksum_type == "COMPOSITE":
        of_parts = b"".join(binascii.a2b_base64(part.checksum_value) for part in whole.parts.values())
        return "COMPOSITE", checksum(of_parts, algorithm).decode(), len(whole.parts)
    return (kind, checksum(whole, algorithm).decode(), 1) if algorithm == "CRC32" else None
