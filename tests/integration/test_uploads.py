"""An upload that is cut off goes on when it is asked for again, and none makes two objects or a mixed one."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gristmill.errors import Refused
from gristmill.limits import S3_PART_MIN
from gristmill.storage import resumable
from gristmill.storage.resumable import Hearer, PartUpload
from gristmill.storage.s3 import S3Storage
from gristmill.storage.upload_record import slot
from tests.integration.mill import Mill

PARTS = 5
GONE = {"Error": {"Code": "NoSuchUpload", "Message": "gone"}, "ResponseMetadata": {"HTTPStatusCode": 404}}


class Watched:
    """A client that does something else for some calls, and notes which parts were sent."""

    def __init__(self, client: Any, **instead: Callable[..., Any]) -> None:
        self._client = client
        self._instead = instead
        self.sent: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return self._instead.get(name) or getattr(self._client, name)

    def upload_part(self, **named: Any) -> Any:
        if "upload_part" in self._instead:
            self._instead["upload_part"](named["PartNumber"])
        self.sent.add(named["PartNumber"])
        return self._client.upload_part(**named)


class Case:
    """A file, and what becomes of it."""

    def __init__(self, mill: Mill, folder: Path, key: str) -> None:
        self.s3 = mill.client("s3")
        self.names = {"Bucket": mill.bucket, "Key": key}
        self.file = folder / "file"
        self.records = folder / "records"
        self.notes: list[str] = []
        self.metadata = {"owner": "miller"}
        self.file.write_bytes(os.urandom(PARTS * S3_PART_MIN - 1))

    def send(self, client: Any = None) -> tuple[str | None, str]:
        self.notes.clear()
        place = [self.names, sorted(self.metadata.items())]
        with self.file.open("rb") as file, slot(self.records, place, self.notes.append) as kept:
            bucket = S3Storage(self.names["Bucket"], client or self.s3)
            parts = PartUpload(bucket, self.names["Key"], self.metadata, file.fileno())
            return parts.send(kept, Hearer(lambda _: None, self.notes.append))

    def cut(self, *numbers: int) -> set[int]:
        """Send the file on a line that loses some parts; return which the store has."""

        def lose(number: int) -> None:
            if number in numbers:
                raise ConnectionError("cut")

        with pytest.raises(ConnectionError):
            self.send(Watched(self.s3, upload_part=lose))
        (row,) = self.uploads()
        rows = self.s3.list_parts(**self.names, UploadId=row["UploadId"]).get("Parts", [])
        return {row["PartNumber"] for row in rows}

    def uploads(self) -> list[Any]:
        listed = self.s3.list_multipart_uploads(Bucket=self.names["Bucket"], Prefix=self.names["Key"])
        return listed.get("Uploads", [])

    def versions(self) -> list[Any]:
        listed = self.s3.list_object_versions(Bucket=self.names["Bucket"], Prefix=self.names["Key"])
        return listed.get("Versions", [])

    def is_whole(self) -> bool:
        return self.s3.get_object(**self.names)["Body"].read() == self.file.read_bytes()


@pytest.fixture
def case(mill: Mill, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setattr(resumable, "_PART", S3_PART_MIN)
    monkeypatch.setattr(resumable, "_THREADS", 2)
    return Case(mill, tmp_path, f"jobs/uploads/{request.node.name}")


@pytest.mark.parametrize("lost", [{1}, {2, 4}, {5}, {1, 2, 3, 4, 5}], ids=str)
def test_only_what_is_missing_is_sent_again(case: Case, lost: set[int]):
    there = case.cut(*lost)
    again = Watched(case.s3)
    case.send(again)
    assert lost <= again.sent <= set(range(1, PARTS + 1)) - there
    assert case.notes == [f"Continuing: {PARTS - len(again.sent)} of {PARTS} parts are there."]
    assert case.is_whole()
    assert (len(case.versions()), case.uploads(), list(case.records.iterdir())) == (1, [], [])


@pytest.mark.parametrize("same_time", [True, False])
def test_a_file_that_changed_in_between_begins_anew(case: Case, same_time: bool):
    assert case.cut(5)
    (before,), status = case.uploads(), case.file.stat()
    with case.file.open("r+b") as file:
        file.write(b"changed")
    if same_time:
        os.utime(case.file, ns=(status.st_atime_ns, status.st_mtime_ns))
    again = Watched(case.s3)
    case.send(again)
    assert again.sent == set(range(1, PARTS + 1))
    assert case.notes == ["The file has changed since its upload was begun: it begins anew."]
    assert case.is_whole()
    assert case.uploads() == [], f"{before['UploadId']} is aborted"


def test_an_upload_that_is_gone_begins_anew(case: Case):
    case.cut(5)
    case.s3.abort_multipart_upload(**case.names, UploadId=case.uploads()[0]["UploadId"])
    case.send()
    assert case.notes == ["The upload that was begun is gone: it begins anew."]
    assert case.is_whole()


def test_other_parameters_are_another_upload(case: Case):
    case.cut(5)
    case.metadata = {"owner": "miller", "rows": "2"}
    case.send()
    assert case.s3.head_object(**case.names)["Metadata"] == case.metadata
    case.metadata = {"owner": "miller"}
    case.send()
    assert case.notes[0].startswith("Continuing: ")
    assert case.s3.head_object(**case.names)["Metadata"] == case.metadata


@pytest.mark.parametrize("error", [ClientError(GONE, "CompleteMultipartUpload"), ConnectionError("cut")], ids=repr)
def test_a_completion_whose_answer_is_lost_makes_one_object(case: Case, error: Exception):
    def complete(**named: Any) -> None:
        case.s3.complete_multipart_upload(**named)
        raise error

    losing = Watched(case.s3, complete_multipart_upload=complete)
    if isinstance(error, ClientError):
        version, _ = case.send(losing)
    else:
        with pytest.raises(ConnectionError):
            case.send(losing)
        version, _ = case.send()
        assert case.notes == ["The file was there already: its upload had ended, unheard."]
    assert [row["VersionId"] for row in case.versions()] == [version]
    assert case.is_whole()


def test_a_completion_that_did_not_come_is_made_up_for(case: Case):
    case.send()

    def complete(**_named: Any) -> None:
        raise ConnectionError("cut")

    with pytest.raises(ConnectionError):
        case.send(Watched(case.s3, complete_multipart_upload=complete))
    again = Watched(case.s3)
    case.send(again)
    assert again.sent == set()
    assert len(case.versions()) == 2, "the same file is dropped twice, when that was asked for"


def test_two_at_once_spoil_nothing_for_each_other(case: Case):
    second = Watched(case.s3)
    once = threading.Lock()

    def meanwhile(_number: int) -> None:
        if once.acquire(blocking=False):
            case.send(second)

    first = Watched(case.s3, upload_part=meanwhile)
    case.send(first)
    assert first.sent == second.sent == set(range(1, PARTS + 1))
    assert len(case.versions()) == 2
    assert case.is_whole()


def test_a_file_that_changes_as_it_goes_up_is_refused(case: Case):
    def change(_number: int) -> None:
        with case.file.open("ab") as file:
            file.write(b"more")

    with pytest.raises(Refused, match="changed while it was uploaded"):
        case.send(Watched(case.s3, upload_part=change))
    assert case.versions() == []


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"upload": 1}', b"\xff"])
def test_a_record_that_is_no_record_is_none(case: Case, text: bytes):
    case.cut(5)
    (record,) = case.records.iterdir()
    assert record.stat().st_mode & 0o777 == 0o600
    record.write_bytes(text)
    case.send()
    assert case.is_whole()


def test_where_nothing_can_be_kept_the_upload_goes_on_and_says_so(case: Case):
    case.records.parent.joinpath("records").write_text("a file")
    case.send()
    assert case.notes[0].startswith("If this upload is interrupted it cannot go on later: ")
    assert case.is_whole()


def test_an_empty_file_is_an_object(case: Case):
    case.file.write_bytes(b"")
    case.send()
    assert case.is_whole()
