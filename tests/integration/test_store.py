"""What is stored on the embedded AWS holds no file open, goes with the last that needs it, and never by halves."""

import os
import resource
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from embedded_aws.lifecycle import daemon
from gristmill.errors import Changed
from gristmill.storage import Piece
from gristmill.storage.s3 import S3Storage
from tests.integration.mill import Mill

MIB = 1024**2
BYTES = os.urandom(MIB + 1)
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, and limits a process that runs")


def pid(mill: Mill) -> int:
    state = daemon.find(mill.data)
    assert state
    return state.pid


def open_files(mill: Mill) -> int:
    return len(list(Path(f"/proc/{pid(mill)}/fd").iterdir()))


def files(mill: Mill) -> set[Path]:
    return set((mill.data / "objects").iterdir())


def gone(mill: Mill, before: set[Path]) -> bool:
    end = time.monotonic() + 5  # what answers a request may refer to an object a moment longer
    while not files(mill) <= before and time.monotonic() < end:
        time.sleep(0.05)
    return files(mill) <= before


@contextmanager
def limited(mill: Mill, limit: int, value: int) -> Iterator[None]:
    before = resource.prlimit(pid(mill), limit)
    resource.prlimit(pid(mill), limit, (value, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid(mill), limit, before)


@linux
def test_objects_versions_and_parts_hold_no_file_open(mill: Mill):
    s3, names = mill.client("s3"), {"Bucket": mill.bucket, "Key": "jobs/open/object"}
    s3.put_object(**names, Body=BYTES)
    before = open_files(mill)
    upload = s3.create_multipart_upload(**names)["UploadId"]
    for number in range(1, 41):
        s3.put_object(**names, Body=BYTES)
        s3.upload_part(**names, UploadId=upload, PartNumber=number, Body=BYTES)
    assert open_files(mill) < before + 15
    s3.abort_multipart_upload(**names, UploadId=upload)


def test_bytes_go_with_the_last_that_needs_them(mill: Mill):
    s3, names = mill.client("s3"), {"Bucket": mill.bucket, "Key": "jobs/gone/object"}
    before = files(mill)
    copied = {"Bucket": mill.bucket, "Key": "jobs/gone/copy"}
    upload = s3.create_multipart_upload(**names)["UploadId"]
    for number in (1, 1, 2):
        s3.upload_part(**names, UploadId=upload, PartNumber=number, Body=BYTES)
    s3.abort_multipart_upload(**names, UploadId=upload)
    assert gone(mill, before)
    version = s3.put_object(**names, Body=BYTES)["VersionId"]
    copy = s3.copy_object(**copied, CopySource=names)["VersionId"]
    marker = s3.delete_object(**names)["VersionId"]
    s3.delete_object(**names, VersionId=version)
    assert s3.get_object(**copied)["Body"].read() == BYTES
    s3.delete_object(**copied, VersionId=copy)
    assert gone(mill, before), "the delete marker does not need them"
    s3.delete_object(**names, VersionId=marker)


def test_a_small_piece_of_a_large_object_does_not_keep_it_whole(mill: Mill):
    s3, names = mill.client("s3"), {"Bucket": mill.bucket, "Key": "jobs/piece/object"}
    before = files(mill)
    version = s3.put_object(**names, Body=BYTES)["VersionId"]
    piece = {"Bucket": mill.bucket, "Key": "jobs/piece/piece"}
    upload = s3.create_multipart_upload(**piece)["UploadId"]
    s3.upload_part_copy(**piece, UploadId=upload, PartNumber=1, CopySource=names, CopySourceRange="bytes=10-19")
    s3.delete_object(**names, VersionId=version)
    assert gone(mill, before)
    s3.abort_multipart_upload(**piece, UploadId=upload)


def test_a_reader_gets_the_old_bytes_whole_whatever_becomes_of_the_object(mill: Mill):
    s3, names = mill.client("s3"), {"Bucket": mill.bucket, "Key": "jobs/reader/object"}
    old = os.urandom(MIB) * 32
    version = s3.put_object(**names, Body=old)["VersionId"]
    body = s3.get_object(**names)["Body"]
    begun = body.read(MIB)
    s3.put_object(**names, Body=b"new")
    s3.delete_object(**names, VersionId=version)
    assert begun + body.read() == old
    assert s3.get_object(**names)["Body"].read() == b"new"


def test_objects_are_their_owners_alone(mill: Mill):
    mill.client("s3").put_object(Bucket=mill.bucket, Key="jobs/own/object", Body=BYTES)
    assert (mill.data / "objects").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in files(mill)} == {0o600}


@linux
def test_a_disk_that_takes_no_more_is_told_and_nothing_is_half_stored(mill: Mill, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3, names = mill.client("s3"), {"Bucket": mill.bucket, "Key": "jobs/full/object"}
    s3.put_object(**names, Body=BYTES)
    upload, before = s3.create_multipart_upload(**names)["UploadId"], files(mill)
    source = {"CopySource": names, "CopySourceRange": f"bytes=0-{MIB // 3}"}
    with limited(mill, resource.RLIMIT_FSIZE, MIB // 4):
        for write in (
            lambda: s3.put_object(**names, Body=BYTES),
            lambda: s3.upload_part(**names, UploadId=upload, PartNumber=1, Body=BYTES),
            lambda: s3.upload_part_copy(**names, **source, UploadId=upload, PartNumber=2),
        ):
            with pytest.raises(ClientError, match=f"ServiceUnavailable.*{mill.data / 'objects'}: File too large"):
                write()
    assert gone(mill, before)
    assert "Parts" not in s3.list_parts(**names, UploadId=upload)
    assert s3.get_object(**names)["Body"].read() == BYTES
    s3.abort_multipart_upload(**names, UploadId=upload)


def test_an_object_whose_file_was_deleted_is_told_and_a_new_one_is_written(mill: Mill, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3, names, before = mill.client("s3"), {"Bucket": mill.bucket, "Key": "jobs/lost/object"}, files(mill)
    s3.put_object(**names, Body=BYTES)
    for path in files(mill) - before:
        path.unlink()
    with pytest.raises(ClientError, match=f"{mill.data / 'objects'}: No such file or directory"):
        s3.get_object(**names)
    s3.put_object(**names, Body=BYTES)
    assert s3.get_object(**names)["Body"].read() == BYTES


def test_a_body_that_is_cut_off_leaves_nothing(mill: Mill):
    before = files(mill)
    with socket.create_connection(("127.0.0.1", int(mill.endpoint.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(b"PUT /%b/jobs/cut HTTP/1.1\r\n" % mill.bucket.encode())
        connection.sendall(b"Host: localhost\r\nContent-Length: %d\r\n\r\n" % MIB + BYTES[: MIB // 2])
        mill._until(lambda: not files(mill) <= before, 10, "the body is not taken")
    assert gone(mill, before)


@linux
def test_idle_connections_give_way_where_no_more_files_can_be_opened(mill: Mill):
    address = ("127.0.0.1", int(mill.endpoint.rpartition(":")[2]))
    log = mill.data / daemon.LOG_FILE
    begun = log.stat().st_size
    idle = []
    with limited(mill, resource.RLIMIT_NOFILE, open_files(mill) + 60):
        for _ in range(200):
            connection = socket.create_connection(address, timeout=10)
            idle.append(connection)
        mill.client("s3").put_object(Bucket=mill.bucket, Key="jobs/idle/object", Body=BYTES)
    for connection in idle:
        connection.close()
    assert log.read_text().count("idle ones are closed") == 1  # in all its life
    written = log.read_bytes()[begun:].decode()
    assert len(written) < 2_000, written


def test_large_pieces_are_copied_as_they_were_pinned_or_not_at_all(mill: Mill):
    """S3 itself copies them, on condition of their ETags."""
    store = S3Storage(mill.bucket, mill.client("s3"))
    body = BYTES * 6
    etags = [store.put(f"runs/pinned/{number}", body) for number in range(2)]
    pieces = [Piece(f"runs/pinned/{number}", 1, len(body), etag) for number, etag in enumerate(etags)]
    made = store.compose("runs/pinned/all", pieces, {}, "runs/pinned/scratch/")
    there = store.head("runs/pinned/all")
    assert there
    assert (made.etag, made.size, made.version) == (there.etag, there.size, there.version)
    assert store.read("runs/pinned/all") == 2 * body[1:]
    store.put("runs/pinned/1", body[::-1])
    with pytest.raises(Changed, match="runs/pinned/1 was replaced or removed"):
        store.compose("runs/pinned/more", pieces, {}, "runs/pinned/scratch/")
    assert store.head("runs/pinned/more") is None
    with pytest.raises(ClientError, match="PreconditionFailed"):
        store.client.copy_object(
            Bucket=mill.bucket,
            Key="runs/pinned/more",
            CopySource={"Bucket": mill.bucket, "Key": "runs/pinned/1"},
            CopySourceIfMatch=etags[1],
        )


def test_of_writes_at_once_on_one_condition_one_succeeds(mill: Mill):
    store = S3Storage(mill.bucket, mill.client("s3"))

    def count(write: Callable[[bytes], bool], first: int) -> int:
        with ThreadPoolExecutor(8) as pool:
            return sum(pool.map(write, (bytes([first + number]) * MIB for number in range(8))))

    for turn in range(3):
        key = f"runs/at-once/{turn}"
        assert count(partial(store.put_new, key), 0) == 1
        first = store.head(key)
        assert first
        assert count(partial(store.put_if, key, etag=first.etag), 100) == 1


def test_an_upload_is_completed_on_condition_alone(mill: Mill):
    s3, names = mill.client("s3"), {"Bucket": mill.bucket, "Key": "runs/conditions/upload"}

    def complete(**condition: str) -> str:
        upload = s3.create_multipart_upload(**names)["UploadId"]
        part = s3.upload_part(**names, UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
        try:
            made = s3.complete_multipart_upload(**names, UploadId=upload, MultipartUpload=parts, **condition)
            again = s3.complete_multipart_upload(**names, UploadId=upload, MultipartUpload=parts, **condition)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        assert again["ETag"] == made["ETag"]
        return str(made["ETag"])

    assert complete(IfMatch='"0"') == "NoSuchKey"
    made = complete(IfNoneMatch="*")
    assert complete(IfNoneMatch="*") == "PreconditionFailed"
    assert complete(IfMatch='"0"') == "PreconditionFailed"
    assert complete(IfMatch=made) == made
