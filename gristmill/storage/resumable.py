"""An upload in parts that goes on where an earlier one of the same file was cut off."""

import base64
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from gristmill.errors import Refused
from gristmill.limits import MIB, S3_PARTS_MAX
from gristmill.storage.s3 import S3Storage
from gristmill.storage.upload_record import FileIdentity, Slot, UploadRecord

_PART = 8 * MIB
_THREADS = 4  # parts on their way at once; on a slow line more would leave many of them unfinished when it breaks


@dataclass(frozen=True)
class Part:
    """A part that the store has."""

    number: int
    etag: str
    checksum: str

    def as_completed(self) -> dict[str, Any]:
        """Return it as CompleteMultipartUpload wants it."""
        return {"PartNumber": self.number, "ETag": self.etag, "ChecksumSHA256": self.checksum}


@dataclass(frozen=True)
class Hearer:
    """Who hears how an upload goes: of bytes that are there, and of what happened, in a sentence."""

    progress: Callable[[int], None]
    note: Callable[[str], None]


def part_size(size: int) -> int:
    """Return the bytes of each part but the last, the same for each file of this size."""
    return max(_PART, -(-size // (S3_PARTS_MAX * MIB)) * MIB)


class PartUpload:
    """The upload of one open file to one key."""

    def __init__(self, store: S3Storage, key: str, metadata: Mapping[str, str], file: int) -> None:
        self._client = store.client
        self._together = store.together
        self._names = {"Bucket": store.bucket, "Key": key}
        self._metadata = dict(metadata)
        self._file = file
        self.identity = FileIdentity.of(file)
        self._part_size = part_size(self.identity.size)
        self._count = max(1, -(-self.identity.size // self._part_size))  # an empty file has an empty part

    def send(self, slot: Slot, hearer: Hearer) -> tuple[str | None, str]:
        """Upload what is missing; return version and ETag of the object. Refused if the file changes meanwhile."""
        record = slot.read()
        if record and (done := self._completed(record)):
            slot.clear()
            hearer.note("The file was there already: its upload had ended, unheard.")
            return done
        present = self._present(record, hearer) if record else None
        if record is None or present is None:
            record, present = self._begin(), {}
            slot.write(record)
        try:
            parts = self._send_missing(record.upload, present, hearer)
            return self._complete(record, parts, slot)
        except BaseException:
            hearer.note("What is uploaded is kept: the same command goes on where this one was.")
            raise

    def find_same(self, hearer: Hearer) -> tuple[str | None, str] | None:
        """Return version and ETag of the object where it has the file's very bytes already, None where it has not."""
        head = self._head()
        if head.get("ContentLength") != self.identity.size or "ChecksumSHA256" not in head:
            return None
        parts = (_checksum(self._read(number)) for number in range(1, self._count + 1))
        whole = _checksum(b"".join(map(base64.b64decode, parts)))
        if head["ChecksumSHA256"].partition("-")[0] != whole:
            return None
        hearer.progress(self.identity.size)
        hearer.note(f"{self._names['Key']} is there already: it is not sent again.")
        return head.get("VersionId"), head["ETag"]

    def _begin(self) -> UploadRecord:
        made = self._client.create_multipart_upload(**self._names, Metadata=self._metadata, ChecksumAlgorithm="SHA256")
        return UploadRecord(made["UploadId"], self.identity.size, self.identity.modified_ns)

    def _present(self, record: UploadRecord, hearer: Hearer) -> dict[int, Part] | None:
        """Return the parts that are there and hold what the file holds; None where it must begin anew."""
        try:
            listed = list(self._listed(record.upload))
        except ClientError as error:
            if not _is_gone(error):
                raise
            hearer.note("The upload that was begun is gone: it begins anew.")
            return None
        if record.is_of(self.identity) and all(self._holds(part, hearer) for part in listed):
            hearer.note(f"Continuing: {len(listed)} of {self._count} parts are there.")
            return {part.number: part for part in listed}
        hearer.note("The file has changed since its upload was begun: it begins anew.")
        self._abort(record.upload)
        return None

    def _listed(self, upload: str) -> Iterator[Part]:
        for page in self._client.get_paginator("list_parts").paginate(**self._names, UploadId=upload):
            for row in page.get("Parts", []):
                if "ChecksumSHA256" in row:
                    yield Part(row["PartNumber"], row["ETag"], row["ChecksumSHA256"])

    def _holds(self, part: Part, hearer: Hearer) -> bool:
        data = self._read(part.number) if part.number <= self._count else b""
        hearer.progress(len(data))
        return _checksum(data) == part.checksum

    def _abort(self, upload: str) -> None:
        try:
            self._client.abort_multipart_upload(**self._names, UploadId=upload)
        except ClientError as error:
            if not _is_gone(error):
                raise

    def _read(self, number: int) -> bytes:
        return os.pread(self._file, self._part_size, (number - 1) * self._part_size)

    def _send_missing(self, upload: str, present: dict[int, Part], hearer: Hearer) -> list[Part]:
        def send(number: int) -> Part:
            data = self._read(number)
            checksum = _checksum(data)
            sent = self._client.upload_part(
                **self._names, UploadId=upload, PartNumber=number, Body=data, ChecksumSHA256=checksum
            )
            hearer.progress(len(data))
            return Part(number, sent["ETag"], checksum)

        missing = [number for number in range(1, self._count + 1) if number not in present]
        sent = {part.number: part for part in self._together(send, missing, _THREADS)}
        if FileIdentity.of(self._file) != self.identity:
            raise Refused(["the file changed while it was uploaded"], "No run was started. Try again once it is whole.")
        return [part for _, part in sorted({**present, **sent}.items())]

    def _complete(self, record: UploadRecord, parts: list[Part], slot: Slot) -> tuple[str | None, str]:
        """Complete the upload; ask what became of it where no answer came."""
        head = self._head()
        raw = b"".join(base64.b64decode(part.checksum) for part in parts)
        record = record.completing(_checksum(raw), head.get("VersionId"))
        slot.write(record)
        try:
            answer = self._client.complete_multipart_upload(
                **self._names,
                UploadId=record.upload,
                MultipartUpload={"Parts": [part.as_completed() for part in parts]},
            )
        except ClientError as error:
            answer = self._completed(record) if _is_gone(error) else None
            if answer is None:
                raise
            slot.clear()
            return answer
        slot.clear()
        return answer.get("VersionId"), answer["ETag"]

    def _completed(self, record: UploadRecord) -> tuple[str | None, str] | None:
        """Return version and ETag of the object that this very upload has made, None if it has not."""
        if record.checksum is None:
            return None
        head = self._head()
        is_new = head.get("VersionId") != record.before
        is_same = head.get("ChecksumSHA256", "").partition("-")[0] == record.checksum
        if is_new and is_same:
            return head.get("VersionId"), head["ETag"]
        return None

    def _head(self) -> Mapping[str, Any]:
        try:
            head: Mapping[str, Any] = self._client.head_object(**self._names, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            return {}
        return head


def _checksum(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def _is_gone(error: ClientError) -> bool:
    return bool(error.response["Error"]["Code"] == "NoSuchUpload")
