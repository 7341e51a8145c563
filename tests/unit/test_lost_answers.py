"""An upload is composed, but the answer that says so is lost on its way."""

import pytest
from botocore.exceptions import ClientError

from gristmill.limits import S3_PART_MIN
from gristmill.storage import Piece, Storage
from gristmill.storage.s3 import S3Storage

METADATA = {"gristmill-run": "r1"}
GONE = {"Error": {"Code": "NoSuchUpload", "Message": "gone"}, "ResponseMetadata": {"HTTPStatusCode": 404}}


class LosesAnswers:
    """A client whose upload is gone when it is told to complete it; with `completes`, because that was done."""

    def __init__(self, client: object, completes: bool) -> None:
        self._client = client
        self._completes = completes

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def complete_multipart_upload(self, **named: object) -> None:
        if self._completes:
            self._client.complete_multipart_upload(**named)
        raise ClientError(GONE, "CompleteMultipartUpload")


@pytest.fixture
def pieces(store: Storage) -> list[Piece]:
    store.put("a", b"a" * S3_PART_MIN)
    store.put("b", b"b" * 10)
    return [Piece("a", 0, S3_PART_MIN), Piece("b", 0, 10)]


def test_an_upload_whose_completion_was_not_heard_of_is_complete(store: Storage, pieces: list[Piece]):
    S3Storage(store.bucket, LosesAnswers(store.client, True)).compose("whole", pieces, METADATA, "scratch/")
    assert store.read("whole") == b"a" * S3_PART_MIN + b"b" * 10


def test_an_upload_that_somebody_aborted_is_an_error(store: Storage, pieces: list[Piece]):
    with pytest.raises(ClientError, match="NoSuchUpload"):
        S3Storage(store.bucket, LosesAnswers(store.client, False)).compose("whole", pieces, METADATA, "scratch/")
    assert store.head("whole") is None
