"""What others on this machine, who have no key, cannot do: keep the owner out, or fill the disk or the log."""

import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from embedded_aws.lifecycle import daemon
from tests.hostile.test_access import ask
from tests.integration.mill import Mill, keys_of
from tests.integration.test_store import BYTES, files, limited, linux, open_files

NOBODY = 65534


def address(mill: Mill) -> tuple[str, int]:
    return "127.0.0.1", int(mill.endpoint.rpartition(":")[2])


@contextmanager
def half_sent(mill: Mill, count: int, user: int) -> Iterator[None]:
    """Have a process of a user send half a head on each of many connections, and a byte more of each now and then."""
    ready, done = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(user)
        _dribble(address(mill), count, done)
    os.close(done)
    try:
        assert os.read(ready, 1) == b"."
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)


def _dribble(server: tuple[str, int], count: int, done: int) -> None:
    opened = []
    try:
        for _ in range(count):
            opened.append(socket.create_connection(server, timeout=10))
            opened[-1].sendall(b"GET /half HTTP/1.1\r\nHost: loc")
        os.write(done, b".")
        while True:
            for connection in opened:
                try:
                    connection.sendall(b"a")
                except OSError:
                    continue
            time.sleep(0.2)
    finally:
        os._exit(1)


@linux
@pytest.mark.parametrize("user", [os.getuid(), NOBODY])
def test_half_sent_requests_keep_nobody_out(mill: Mill, user: int):
    if user != os.getuid() != 0:
        pytest.skip("only root becomes another user")
    with limited(mill, resource.RLIMIT_NOFILE, open_files(mill) + 60), half_sent(mill, 200, user):
        for _ in range(3):
            assert daemon.find(mill.data), "it proves itself to its owner"
            mill.client("s3").put_object(Bucket=mill.bucket, Key="jobs/half/object", Body=BYTES)


def raw(mill: Mill, request: bytes, seconds: float = 10) -> bytes:
    """Send bytes; return all that is answered until the server closes."""
    answer = b""
    with socket.create_connection(address(mill), timeout=seconds) as connection:
        try:
            connection.sendall(request)
            while data := connection.recv(65536):
                answer += data
        except ConnectionError:
            pass
    return answer


def falsely_signed(service: str) -> str:
    now = datetime.now(UTC)
    scope = f"GM.instance/{now:%Y%m%d}/us-east-1/{service}/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
    return f"Authorization: {signed}\r\nX-Amz-Date: {now:%Y%m%dT%H%M%SZ}\r\n"


FORM = "Content-Type: multipart/form-data; boundary=x\r\n"
LARGE = f"Content-Length: {4 * 1024**3}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (FORM + LARGE, b"400"),
        (FORM + CHUNKED, b"411"),
        (falsely_signed("states") + LARGE, b"413"),
        (falsely_signed("lambda") + LARGE, b"413"),
        (falsely_signed("states") + CHUNKED, b"411"),
        (falsely_signed("s3") + LARGE, b"400"),
        (LARGE, b"403"),
        (f"Content-Length: {'9' * 5000}\r\n", b"400"),
    ],
)
def test_no_large_body_is_taken_before_something_is_proven(mill: Mill, head: str, status: bytes):
    before = files(mill)
    start = f"POST /anybucket HTTP/1.1\r\nHost: localhost:{address(mill)[1]}\r\n{head}\r\n"
    with socket.create_connection(address(mill), timeout=10) as connection:
        connection.sendall(start.encode() + b"100000\r\n" + b"a" * 100_000)
        assert connection.recv(100).split()[1] == status
        assert sum(path.stat().st_size for path in files(mill) - before if path.exists()) < 200_000


def test_who_proves_nothing_gets_one_answer_a_connection(mill: Mill):
    request = f"GET /{mill.bucket} HTTP/1.1\r\nHost: localhost:{address(mill)[1]}\r\n\r\n".encode()
    assert raw(mill, request * 1000).count(b"HTTP/1.1 403") == 1
    url = mill.target.client("s3").generate_presigned_url("head_bucket", Params={"Bucket": mill.bucket})
    host, _, path = url.partition("//")[2].partition("/")
    status, headers, _ = ask(mill, "HEAD", f"/{path}", Host=host)
    assert (status, headers.get("connection")) == (200, None)


def test_refusals_do_not_fill_the_log(mill: Mill):
    log = mill.data / daemon.LOG_FILE
    begun = log.stat().st_size
    for number in range(300):
        raw(mill, f"GET /{number}{'a' * 30_000} HTTP/1.1\r\nHost: localhost:{address(mill)[1]}\r\n\r\n".encode())
    assert log.stat().st_size - begun < 50_000


def signed(mill: Mill, service: str, path: str, body: bytes, target: str = "") -> tuple[int, bytes]:
    """Send what no client of AWS sends, rightly signed; return status and body."""
    keys = keys_of(mill.data)
    request = AWSRequest("POST", mill.endpoint + path, data=body, headers={"X-Amz-Target": target} if target else {})
    pair = Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
    (S3SigV4Auth if service == "s3" else SigV4Auth)(pair, service, "us-east-1").add_auth(request)
    status, _, answer = ask(mill, "POST", path, body, **dict(request.headers))
    return status, answer


DEEP = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
START = "AWSStepFunctions.StartExecution"


@pytest.mark.parametrize(
    ("service", "path", "body", "target", "code"),
    [
        ("states", "/", DEEP, START, b"SerializationException"),
        ("states", "/", b"[1]", START, b"SerializationException"),
        ("states", "/", b"{", START, b"SerializationException"),
        ("logs", "/", DEEP, "Logs_20140328.CreateLogGroup", b"SerializationException"),
        ("states", "/", b"{}", "AWSStepFunctions.Nothing", b"UnknownOperationException"),
        ("dynamodb", "/", b"{}", "", b"has no such service"),
        ("nothing", "/", b"{}", "", b"has no such service"),
        ("s3", "/{bucket}?delete", b"<a>" * 20_000 + b"</a>" * 20_000, "", b"MalformedXML"),
        ("s3", "/{bucket}?delete", b"<Delete>", "", b"MalformedXML"),
    ],
)
def test_what_a_service_cannot_read_or_has_not_got_is_refused_in_its_words(
    mill: Mill, service: str, path: str, body: bytes, target: str, code: bytes
):
    status, answer = signed(mill, service, path.format(bucket=mill.bucket), body, target)
    assert (status, code in answer) == (400, True), answer


def test_large_code_of_a_function_is_taken_from_its_owner(mill: Mill):
    function: Any = boto3.client("lambda", endpoint_url=mill.endpoint, **keys_of(mill.data))
    code = {"ZipFile": os.urandom(8 * 1024**2)}
    with pytest.raises(ClientError) as caught:
        function.create_function(FunctionName="large", Role="arn:aws:iam::1:role/nobody", Code=code, Handler="a.b")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert caught.value.response["Error"]["Code"] not in ("RequestEntityTooLargeException", "ThrottlingException")
