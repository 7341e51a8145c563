"""Bodies that come in signed chunks, after AWS's own examples; and HTML forms, held against their signed policy."""

import io
import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from embedded_aws.access import form
from embedded_aws.access.refusals import Refused, Why
from embedded_aws.access.request import Request
from embedded_aws.access.signature import sign, signing_key, verify
from tests.embedded_aws.signed import RING, USER, client

# "Signature calculations: transferring payload in multiple chunks" and "Including trailing headers", Amazon S3 API
EXAMPLE_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EXAMPLE_TIME = datetime(2013, 5, 24, tzinfo=UTC)
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
CHUNKS = [
    (65_536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
    (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
    (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
]
TRAILED_SEED = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
TRAILED = [
    (65_536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"),
    (1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"),
    (0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"),
]
TRAILER_SIGNATURE = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
TRAILER = f"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:{TRAILER_SIGNATURE}\r\n\r\n".encode()


def chunked(chunks: list[tuple[int, str]], letter: bytes = b"a") -> bytes:
    lines = [b"%x;chunk-signature=%s\r\n%s\r\n" % (size, mark.encode(), letter * size) for size, mark in chunks]
    return b"".join(lines)


def upload(body: bytes, seed: str, kind: str, **more: str) -> Request:
    headers = {
        "content-encoding": "aws-chunked",
        "host": "s3.amazonaws.com",
        "x-amz-content-sha256": kind,
        "x-amz-date": "20130524T000000Z",
        "x-amz-decoded-content-length": "66560",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    scope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 Credential={scope},SignedHeaders={';'.join(sorted(headers))},Signature={seed}"
    lines = {**headers, "authorization": authorization}
    return Request("PUT", "/examplebucket/chunkObject.txt", tuple(lines.items()), io.BytesIO(body))


def plain(body: bytes) -> Request:
    return upload(body, SEED, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", content_length="66824")


def trailed(body: bytes) -> Request:
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    return upload(body, TRAILED_SEED, kind, x_amz_trailer="x-amz-checksum-crc32c")


def example(request: Request) -> None:
    verify(request, lambda _key: EXAMPLE_SECRET, EXAMPLE_TIME)


def test_aws_own_examples_pass():
    example(plain(chunked(CHUNKS)))
    example(trailed(chunked(TRAILED)[:-2] + TRAILER))


@pytest.mark.parametrize(
    "body",
    [
        chunked(CHUNKS, b"b"),
        chunked(CHUNKS[:2]),
        chunked([CHUNKS[1], CHUNKS[0], CHUNKS[2]]),
        chunked(CHUNKS).replace(b"a\r\n", b"aa\r\n", 1),
        chunked(CHUNKS)[:1000],
        b"5\r\nhello\r\n0\r\n\r\n",
        b"",
    ],
)
def test_a_chunk_that_is_not_the_one_signed_is_refused(body: bytes):
    with pytest.raises(Refused) as caught:
        example(plain(body))
    assert caught.value.why is Why.MISMATCH


@pytest.mark.parametrize("trailer", [TRAILER.replace(b"sOO8", b"sOO9"), TRAILER[:32], b"\r\n", TRAILER + TRAILER])
def test_a_trailer_that_is_not_the_one_signed_is_refused(trailer: bytes):
    with pytest.raises(Refused):
        example(trailed(chunked(TRAILED)[:-2] + trailer))


BOUNDARY = "grist"


def posted(fields: dict[str, str], file: bytes = b"body", target: str = "/mill", after: str = "") -> Request:
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\n'
    body = "".join(parts).encode() + head.encode() + file + f"\r\n{after}--{BOUNDARY}--\r\n".encode()
    headers = (("host", "localhost:4566"), ("content-type", f"multipart/form-data; boundary={BOUNDARY}"))
    return Request("POST", target, headers, io.BytesIO(body))


def presigned(key: str = "in/${filename}", **more: Any) -> dict[str, str]:
    fields: dict[str, str] = client("s3").generate_presigned_post("mill", key, **more)["fields"]
    return fields


def refusal(request: Request, now: datetime | None = None, named: str = "") -> Why | None:
    assert form.is_form(request)
    try:
        form.verify(request, named, RING.secret_of, now or datetime.now(UTC))
    except Refused as refused:
        return refused.why
    return None


def test_a_presigned_form_passes_until_it_expires():
    request = posted(presigned(ExpiresIn=60), b"x" * 700_000)
    assert refusal(request) is None
    assert request.body.read(2) == b"--", "the body is left at its start"
    assert refusal(request, datetime.now(UTC) + timedelta(seconds=61)) is Why.EXPIRED
    assert refusal(posted(presigned(), target="/other")) is Why.POLICY
    assert refusal(posted(presigned(), target="/"), named="mill") is None
    assert refusal(posted(presigned(), target="/"), named="other") is Why.POLICY


def test_what_a_policy_does_not_allow_is_refused():
    fields = presigned(Conditions=[["content-length-range", 2, 9], {"acl": "private"}], Fields={"acl": "private"})
    assert refusal(posted(fields)) is None
    assert refusal(posted({**fields, "x-ignore-a": "b"})) is None
    for changed in (
        posted({**fields, "acl": "public-read"}),
        posted({**fields, "key": "other"}),
        posted({**fields, "success_action_redirect": "http://evil.example"}),
        posted({**fields, "KEY": "other"}),
        posted(fields, b"x"),
        posted(fields, b"x" * 10),
        posted(fields, target="/mill?key=other"),
        posted(fields, after=f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="key"\r\n\r\nother\r\n'),
        posted(fields, after=f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"\r\n\r\nother\r\n'),
    ):
        assert refusal(changed) is Why.POLICY


def test_a_form_that_is_not_rightly_signed_is_refused():
    fields = presigned()
    assert refusal(posted({**fields, "x-amz-signature": "0" * 64})) is Why.MISMATCH
    assert refusal(posted({**fields, "policy": fields["policy"].replace("e", "f", 1)})) is Why.MISMATCH
    stranger = fields["x-amz-credential"].replace(USER.access_key_id, "AKIA" + "B" * 16)
    assert refusal(posted({**fields, "x-amz-credential": stranger})) is Why.UNKNOWN_KEY
    assert refusal(posted({"key": "k"})) is Why.UNSIGNED
    assert refusal(posted({"key": "k", "AWSAccessKeyId": "a", "policy": "p", "signature": "s"})) is Why.OTHER_MECHANISM
    assert refusal(replace(posted(fields), body=io.BytesIO(b"--grist\r\n"))) is not None
    assert refusal(replace(posted(fields), body=io.BytesIO(b"nothing"))) is not None


SOON = '"expiration": "2099-01-01T00:00:00Z"'
UNREADABLE = ["[]", "{}", '{"expiration": 1, "conditions": 2}', "no json", '{"conditions": [1]}', "[" * 10_000]
UNREADABLE += ['{"expiration": "2099-01-01T00:00:00", "conditions": []}', f'{{{SOON}, "conditions": [["eq"]]}}']
UNREADABLE += [f'{{{SOON}, "conditions": [["content-length-range", "a", 2]]}}', f'{{{SOON}, "conditions": [{{}}]}}']
UNREADABLE += [
    f'{{{SOON}, "conditions": [["starts-with", "$key", 1]]}}',
    f'{{{SOON}, "conditions": [["odd", "$key", ""]]}}',
    '{"expiration": "2030-01-01T00:00:00Z", "conditions": [["content-length-range", 1e999, 9]]}',
]


@pytest.mark.parametrize("policy", UNREADABLE)
def test_a_signed_policy_that_cannot_be_read_is_refused(policy: str):
    fields = presigned()
    text = b64encode(policy.encode()).decode()
    day = fields["x-amz-date"][:8]
    key = signing_key(USER.secret_access_key, f"{day}/us-east-1/s3/aws4_request")
    assert refusal(posted({**fields, "policy": text, "x-amz-signature": sign(key, text)})) is Why.POLICY


def test_a_prefix_is_enough_for_starts_with():
    now = datetime.now(UTC)
    conditions: list[Any] = [["starts-with", "$key", "in/"], ["starts-with", "$Content-Type", "image/"]]
    conditions += [{"bucket": "mill"}]
    conditions += [{"x-amz-algorithm": "AWS4-HMAC-SHA256"}, ["starts-with", "$x-amz-credential", ""]]
    conditions += [["starts-with", "$x-amz-date", ""]]
    policy = {"expiration": (now + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ"), "conditions": conditions}
    text = b64encode(json.dumps(policy).encode()).decode()
    scope = f"{now:%Y%m%d}/us-east-1/s3/aws4_request"
    fields = {
        "Content-Type": "image/png,image/gif",
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": f"{USER.access_key_id}/{scope}",
        "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
        "policy": text,
        "x-amz-signature": sign(signing_key(USER.secret_access_key, scope), text),
    }
    assert refusal(posted({**fields, "key": "in/a"})) is None
    assert refusal(posted({**fields, "key": "out/a"})) is Why.POLICY
    assert refusal(posted({**fields, "key": "in/a", "Content-Type": "image/png,text/html"})) is Why.POLICY
    assert refusal(posted(fields)) is Why.POLICY
