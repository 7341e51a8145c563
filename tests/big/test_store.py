"""The embedded AWS under `ulimit -n 256`: six gigabytes in one upload, idle connections, a hundred thousand objects."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.lifecycle import daemon
from gristmill.client.target import at_server
from gristmill.storage.resumable import Hearer, PartUpload, part_size
from gristmill.storage.s3 import S3Storage
from gristmill.storage.upload_record import slot
from tests.integration.mill import Mill

GB = 1024**3
MB = 1024**2
SIZE = 6 * GB + 12345
MARK = b"a mark in the middle of nothing"
FILES = 256
GRISTMILL = [sys.executable, "-m", "gristmill.cli.main"]
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the data folder of an embedded AWS that may open 256 files."""
    data = tmp_path_factory.mktemp("narrow")
    command = [*GRISTMILL, "local", "up", "--port", "0"]
    subprocess.run(
        ["bash", "-c", f'ulimit -n {FILES}; exec "$@"', "-", *command],
        env={**os.environ, "GRISTMILL_HOME": str(data)},
        check=True,
    )
    try:
        yield data
    finally:
        daemon.down(data)


def server(data: Path) -> daemon.ServerState:
    state = daemon.find(data)
    assert state
    return state


def memory(data: Path) -> int:
    """Return the most bytes of memory that the server has had."""
    status = Path(f"/proc/{server(data).pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def open_files(data: Path) -> int:
    return len(list(Path(f"/proc/{server(data).pid}/fd").iterdir()))


def stored(data: Path) -> int:
    return sum(path.stat().st_size for path in (data / "objects").glob("[!.]*"))


def sparse(path: Path) -> list[int]:
    """Write a file of that size with few bytes that are not 0; return where they are."""
    places = [0, 123, part_size(SIZE) - 5, 3 * GB, SIZE - len(MARK)]
    with path.open("wb") as file:
        file.truncate(SIZE)
        for place in places:
            file.seek(place)
            file.write(MARK)
    return places


@linux
def test_six_gigabytes_go_up_are_read_copied_and_deleted_with_256_open_files(narrow: Path, tmp_path: Path):
    state = server(narrow)
    s3, names = at_server(state).client("s3"), {"Bucket": "large", "Key": "file"}
    s3.create_bucket(Bucket="large")
    before, places, path = memory(narrow), sparse(tmp_path / "file"), tmp_path / "file"
    with path.open("rb") as file, slot(tmp_path / "records", ["file"], print) as kept:
        bucket = S3Storage(names["Bucket"], s3)
        PartUpload(bucket, names["Key"], {}, file.fileno()).send(kept, Hearer(lambda _: None, print))
    assert s3.head_object(**names)["ContentLength"] == SIZE
    for place in places:
        bounds = f"bytes={place}-{place + len(MARK) - 1}"
        assert s3.get_object(**names, Range=bounds)["Body"].read() == MARK
    assert stored(narrow) < SIZE + 10 * MB
    copy = {"Bucket": "large", "Key": "copy"}
    upload = s3.create_multipart_upload(**copy)["UploadId"]
    bounds = f"bytes={2 * GB}-{4 * GB - 1}"
    part = s3.upload_part_copy(**copy, UploadId=upload, PartNumber=1, CopySource=names, CopySourceRange=bounds)
    parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
    s3.complete_multipart_upload(**copy, UploadId=upload, MultipartUpload={"Parts": parts})
    s3.delete_object(**names)
    assert stored(narrow) < 2 * GB + 10 * MB
    assert s3.get_object(**copy, Range=f"bytes={GB}-{GB + len(MARK) - 1}")["Body"].read() == MARK
    s3.delete_object(**copy)
    assert stored(narrow) < 10 * MB
    assert memory(narrow) - before < 100 * MB
    assert open_files(narrow) < 60


@linux
def test_a_thousand_half_sent_requests_keep_nobody_out(narrow: Path):
    state, idle = server(narrow), []
    for _ in range(1000):
        connection = socket.create_connection(("127.0.0.1", state.port), timeout=30)
        connection.sendall(b"GET /half HTTP/1.1\r\nHost: loc")
        idle.append(connection)
    assert open_files(narrow) < FILES
    assert at_server(server(narrow)).client("s3").list_buckets()["Buckets"] is not None
    for connection in idle:
        connection.close()
    assert (narrow / daemon.LOG_FILE).read_text().count("idle ones are closed") == 1


def test_a_hundred_thousand_objects_take_no_longer_each_than_the_first_thousand():
    done = subprocess.run([sys.executable, "-m", "tests.big.many"], check=True, capture_output=True, text=True)
    seen = json.loads(done.stdout)
    assert seen["last_puts"] < 3 * seen["first_puts"]
    assert seen["last_page"] < 3 * seen["first_page"]
    assert seen["last_versions"] < 3 * seen["first_versions"]
    assert seen["bytes_an_object"] < 4_000
    assert seen["growth_by_more"] < 100, "what was deleted makes room for more"


def test_an_upload_that_is_killed_goes_on_with_the_parts_that_are_missing(mill: Mill, tmp_path: Path):
    file = tmp_path / "killed.txt"
    file.write_bytes(b"".join(b"%099d\n" % number for number in range(3 * 10**6)))
    environment = {**os.environ, "GRISTMILL_HOME": str(mill.data), "XDG_STATE_HOME": str(tmp_path / "state")}
    command = [*GRISTMILL, "run", "--no-watch", "strings", str(file), "--param", "lines_per_task=500000"]
    s3, key = mill.client("s3"), "inputs/strings/killed.txt"
    first = subprocess.Popen(command, env=environment, cwd=tmp_path)
    there = 0
    while there < 8:
        assert first.poll() is None, "it was faster than this test"
        for upload in s3.list_multipart_uploads(Bucket=mill.bucket, Prefix=key).get("Uploads", []):
            there = len(s3.list_parts(Bucket=mill.bucket, Key=key, UploadId=upload["UploadId"]).get("Parts", []))
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    again = subprocess.run(command, env=environment, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    continued = re.search(r"Continuing: (\d+) of (\d+) parts are there\.", again.stderr)
    assert continued
    assert there <= int(continued[1]) < int(continued[2])
    run = re.search(r"Run (\w+) starts", again.stdout)
    assert run
    assert mill.finish(run[1], 300)["status"] == "SUCCEEDED"
    assert mill.read(key) == file.read_bytes()
    assert len(s3.list_object_versions(Bucket=mill.bucket, Prefix=key)["Versions"]) == 1
