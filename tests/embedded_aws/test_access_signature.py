"""The gate's check of signatures: what botocore signs passes; change any part of it, and it does not."""

import io
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waitress.adjustments import Adjustments

from embedded_aws.access.claims import TIMESTAMP
from embedded_aws.access.gate import Gate, Rules
from embedded_aws.access.refusals import Refused, Why
from embedded_aws.access.request import Request
from embedded_aws.access.signature import verify
from embedded_aws.server.headers import LineParser
from embedded_aws.services.s3.blobs import Blobs
from embedded_aws.settings.keys import KeyPair, KeyRing, role_of
from tests.embedded_aws.signed import RING, USER, client, request_from, sent, with_header

TEXT = st.characters(exclude_categories=["Cs", "Cc"])
ODD = ["a b", "a//b", "/a", "a/", "a%2Fb", "a+b", "ä/ö", "a?b", "a#b", "a&b=c", "~a", "a'b(c)*!", "a/../b"]
KEYS = st.text(TEXT, min_size=1, max_size=30).filter(lambda key: key.strip("./") != "") | st.sampled_from(ODD)
STYLES = st.sampled_from(["virtual", "path"])
BUCKETS = st.sampled_from(["mill", "my-mill", "my.mill"])
VALUES = st.text("abc xyz09-_.", max_size=20).map(str.strip)


def passes(request: Request, now: datetime | None = None) -> bool:
    try:
        verify(request, RING.secret_of, now or datetime.now(UTC))
    except Refused:
        return False
    return True


def why(request: Request, now: datetime | None = None) -> Why:
    with pytest.raises(Refused) as caught:
        verify(request, RING.secret_of, now or datetime.now(UTC))
    return caught.value.why


OTHERS = {
    "batch": lambda c, text: c.submit_job(jobName="a", jobQueue=text or "q", jobDefinition="d"),
    "stepfunctions": lambda c, text: c.start_execution(stateMachineArn="arn:a", input=text),
    "lambda": lambda c, text: c.invoke(FunctionName="arn:aws:lambda:us-east-1:1:function:a", Payload=text.encode()),
    "sns": lambda c, text: c.publish(TopicArn="arn:t", Message=text),
    "sqs": lambda c, text: c.send_message(QueueUrl="http://localhost:4566/1/q", MessageBody=text),
    "logs": lambda c, text: c.create_log_group(logGroupName=text or "g"),
    "cloudformation": lambda c, text: c.describe_stacks(StackName=text or "s"),
    "cloudwatch": lambda c, text: c.put_metric_data(Namespace=text or "n", MetricData=[]),
    "iam": lambda c, text: c.get_role(RoleName=text or "r"),
    "events": lambda c, text: c.put_rule(Name=text or "r"),
    "ec2": lambda c, text: c.describe_vpcs(VpcIds=[text]),
    "sts": lambda c, text: c.get_caller_identity(),
}


@given(KEYS, STYLES, BUCKETS, st.binary(max_size=100), VALUES)
def test_whatever_botocore_puts_passes(key: str, style: str, bucket: str, body: bytes, value: str):
    s3 = client("s3", style)
    put = sent(lambda: s3.put_object(Bucket=bucket, Key=key, Body=body, Metadata={"a-b": value}, ContentType="a/b"))
    assert verify(put, RING.secret_of, datetime.now(UTC)).service == "s3"
    assert put.body.read() == body, "the body is left at its start"


@given(KEYS, STYLES, BUCKETS)
def test_other_requests_to_s3_pass(key: str, style: str, bucket: str):
    s3 = client("s3", style)
    for call in (
        lambda: s3.list_objects_v2(Bucket=bucket, Prefix=key, Delimiter="/", StartAfter="b c+d"),
        lambda: s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key}),
        lambda: s3.create_multipart_upload(Bucket=bucket, Key=key),
        lambda: s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key.replace("\ufffe", "")}]}),
        lambda: s3.get_object(Bucket=bucket, Key=key, VersionId="v+/=", Range="bytes=0-3"),
        s3.list_buckets,
    ):
        assert passes(sent(call))


@given(KEYS, STYLES, st.sampled_from(["get_object", "put_object"]), st.integers(1, 604_800))
def test_presigned_urls_pass_for_as_long_as_they_last(key: str, style: str, operation: str, seconds: int):
    named = {"Bucket": "mill", "Key": key}
    url = client("s3", style).generate_presigned_url(operation, Params=named, ExpiresIn=seconds)
    request = request_from("GET" if operation == "get_object" else "PUT", url, {}, b"any body")
    now = datetime.now(UTC)
    assert passes(request, now)
    assert why(request, now + timedelta(seconds=seconds)) is Why.EXPIRED
    assert why(request, now - timedelta(minutes=16)) is Why.TOO_EARLY
    assert why(replace(request, method="DELETE")) is Why.MISMATCH


@pytest.mark.parametrize("service", OTHERS)
@given(text=st.text(TEXT, max_size=20))
def test_every_service_passes(service: str, text: str):
    assert passes(sent(lambda: OTHERS[service](client(service), text)))


@cache
def signed_once(service: str) -> Request:
    if service == "s3":
        return put(Metadata={"m": "v"})
    return sent(lambda: OTHERS[service](client(service), "text"))


@cache
def presigned_once() -> Request:
    url = client("s3").generate_presigned_url("get_object", Params={"Bucket": "mill", "Key": "a/b c"}, ExpiresIn=1000)
    return request_from("GET", url, {}, b"")


@pytest.mark.parametrize("service", ["s3", *OTHERS])
@given(data=st.data())
def test_any_change_of_a_signed_request_is_refused(service: str, data: st.DataObject):
    whole = signed_once(service)
    body = whole.body.read()
    whole.body.seek(0)
    changes: list[Request] = [
        replace(whole, method="DELETE" if whole.method != "DELETE" else "PUT"),
        replace(whole, target=whole.path + "x" + whole.target[len(whole.path) :]),
        replace(whole, target=f"/.{whole.target}"),
        replace(whole, target=f"/{whole.target}"),
        replace(whole, target=f"{whole.target}{'&' if whole.query else '?'}acl"),
        with_header(whole, "host", "mill.localhost:4567"),
        with_header(whole, "x-amz-copy-source", "/other/key"),
        with_header(whole, "x-amz-target", "AWSStepFunctions.DeleteStateMachine"),
        replace(whole, body=io.BytesIO(body + b"x")),
        replace(whole, headers=(*whole.headers, ("host", "localhost:4566"))),
        replace(whole, headers=(*whole.headers, ("authorization", whole.header("authorization") or ""))),
    ]
    signed = (whole.header("authorization") or "").partition("SignedHeaders=")[2].partition(",")[0].split(";")
    for name in signed:
        changes += [with_header(whole, name, None), with_header(whole, name, (whole.header(name) or "") + "x")]
    header = whole.header("authorization") or ""
    place = data.draw(st.integers(0, len(header) - 1))
    if header[place] != " ":
        letter = data.draw(st.characters(codec="ascii", exclude_characters=header[place] + " "))
        changes.append(with_header(whole, "authorization", header[:place] + letter + header[place + 1 :]))
    assert [change for change in changes if passes(change)] == []
    assert passes(whole)


@given(data=st.data())
def test_any_change_of_a_presigned_url_is_refused(data: st.DataObject):
    whole = presigned_once()
    place = data.draw(st.integers(1, len(whole.target) - 1))
    letter = data.draw(st.sampled_from([other for other in "abz019%/&=+." if other != whole.target[place]]))
    assert not passes(replace(whole, target=whole.target[:place] + letter + whole.target[place + 1 :]))
    assert not passes(replace(whole, target=f"{whole.target}&x-id=DeleteObject"))
    assert not passes(with_header(whole, "x-amz-acl", "public-read"))
    longer = whole.target.replace("X-Amz-Expires=1000", "X-Amz-Expires=604801")
    assert why(replace(whole, target=longer)) is Why.MALFORMED_QUERY


@pytest.fixture(scope="module")
def parser() -> Iterator[type[LineParser]]:
    rules = Rules(4566, "us-east-1", frozenset(), RING.secret_of, lambda _: [], "")
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(LineParser, "gate", Gate(None, None, rules), raising=False)  # type: ignore[arg-type]
        patch.setattr(LineParser, "store", Blobs(Path(folder)), raising=False)
        yield LineParser


def wired(parser: type[LineParser], line: bytes, whole: Request) -> LineParser | None:
    """Return what the server reads of a request line; None where it reads no request."""
    made = parser(Adjustments())
    made.received(line + b"\r\nhost: x\r\n\r\n")
    if made.error or not made.completed:
        return None
    made.lines = whole.headers
    return made


def meaning(made: LineParser) -> tuple[Any, ...]:
    """Return what a service takes of a request line."""
    return made.command, made.path, parse_qs(made.query, keep_blank_values=True)


@cache
def of_queries() -> tuple[Request, ...]:
    s3, named = client("s3", "path"), {"Bucket": "mill", "Key": "a/b c"}
    return (
        *(presigned_once(), signed_once("lambda"), signed_once("batch")),
        sent(lambda: s3.upload_part(UploadId="u", PartNumber=1, Body=b"x", **named)),
        sent(lambda: s3.list_objects_v2(Bucket="mill", Prefix="a/b", Delimiter="/")),
    )


ODD_BYTES = [
    b"#",
    b"?",
    b";",
    b"\\",
    b"\t",
    b"\r",
    b"\n",
    b" ",
    b"\xe4",
    b"\0",
    b"%2F",
    b"%2e",
    b"/..",
    b"//",
    b"&",
    b"=",
]
ODD_BYTES += [
    b"#z",
    b"?a=b",
    b"&a=b",
    b"%",
    b"+",
    b"/",
    b".",
    b"a",
    b"&uploadId=v",
    b"&prefix=",
    b"[",
    b"\x7f",
    b"|",
    b"@",
]


@given(data=st.data())
def test_no_byte_of_the_request_line_is_left_unsigned(parser: type[LineParser], data: st.DataObject):
    whole = data.draw(st.sampled_from(of_queries()))
    line = f"{whole.method} {whole.target} HTTP/1.1".encode()
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, min(len(line), start + 3)))
    changed = line[:start] + data.draw(st.sampled_from([b"", *ODD_BYTES])) + line[end:]
    before, after = wired(parser, line, whole), wired(parser, changed, whole)
    assert before
    if after is not None:
        sent_so = replace(whole, method=after.command, target=after.request_uri)
        assert not passes(sent_so) or meaning(after) == meaning(before), changed


@pytest.mark.parametrize("added", ["#z", "?#", "#", "&x-id=a&x-id=b"])
def test_what_comes_after_the_target_is_signed(added: str):
    for whole in of_queries():
        assert not passes(replace(whole, target=whole.target + added))


def test_a_name_that_comes_twice_in_a_query_to_s3_is_refused():
    def twice(request: Any, **_: Any) -> None:
        request.url += "&prefix=b&prefix=a"

    s3 = client("s3", "virtual", host="twice.localhost")
    s3.meta.events.register("before-sign.s3", twice)
    assert not passes(sent(lambda: s3.list_objects_v2(Bucket="mill")))


def put(body: bytes = b"body", **more: Any) -> Request:
    return sent(lambda: client("s3").put_object(Bucket="mill", Key="k", Body=body, **more))


def test_a_request_that_is_early_or_late_is_refused_after_a_quarter_of_an_hour():
    now = datetime.now(UTC)
    for minutes in (-14, 14):
        assert passes(put(), now + timedelta(minutes=minutes))
    for minutes in (-16, 16):
        assert why(put(), now + timedelta(minutes=minutes)) is Why.SKEWED


def test_a_body_that_is_not_the_one_hashed_is_refused():
    assert why(replace(put(), body=io.BytesIO(b"BODY"))) is Why.OTHER_BODY
    assert why(with_header(put(), "x-amz-content-sha256", None)) is Why.MISMATCH


def test_only_the_keys_that_were_given_out_are_known():
    stranger = KeyPair("AKIA" + "B" * 16, USER.secret_access_key)
    assert why(sent(lambda: client("s3", pair=stranger).list_buckets())) is Why.UNKNOWN_KEY
    guess = KeyPair(USER.access_key_id, "t" * 40)
    assert why(sent(lambda: client("s3", pair=guess).list_buckets())) is Why.MISMATCH
    assert why(with_header(put(), "authorization", None)) is Why.UNSIGNED
    assert why(with_header(put(), "x-amz-security-token", "t")) is Why.UNKNOWN_KEY


def test_a_role_signs_with_a_pair_that_tells_it_and_that_it_cannot_make_another_of():
    role = RING.role("arn:aws:iam::123456789012:role/mill-JobRole,1")
    claim = verify(sent(lambda: client("s3", pair=role).list_buckets()), RING.secret_of, datetime.now(UTC))
    assert role_of(claim.access_key_id) == "mill-JobRole,1"
    assert role_of(USER.access_key_id) is None
    assert role_of(RING.server.access_key_id) is None
    secrets = {RING.role(name).secret_access_key for name in ("a/b", "a/c", "")} | {RING.server.secret_access_key}
    assert len(secrets | {USER.secret_access_key}) == 5
    assert KeyRing(USER).role("a/b") != RING.role("a/b"), "another server gives other secrets"


REST = f"SignedHeaders=host, Signature={'0' * 64}"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("AWS GMIAAAAAAAAAAAAAAAAA:c2ln", Why.OTHER_MECHANISM),
        (f"AWS4-ECDSA-P256-SHA256 Credential=a/20260101/s3/aws4_request, {REST}", Why.OTHER_MECHANISM),
        ("Bearer token", Why.OTHER_MECHANISM),
        ("AWS4-HMAC-SHA256 Credential=test", Why.MALFORMED),
        (f"AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3, {REST}", Why.MALFORMED),
        (f"AWS4-HMAC-SHA256 Credential=a/20260101/us_east/S3/aws4_request, {REST}", Why.MALFORMED),
    ],
)
def test_other_ways_to_sign_are_refused(header: str, reason: Why):
    assert why(with_header(put(), "authorization", header)) is reason


def test_another_services_url_may_be_presigned_too():
    url = client("sts").generate_presigned_url("get_caller_identity")
    request = request_from("POST", url, {}, b"")
    assert verify(request, RING.secret_of, datetime.now(UTC)).service == "sts"
    assert not passes(replace(request, body=io.BytesIO(b"x")))


def test_an_old_presigned_url_is_refused():
    request = request_from("GET", "http://localhost:4566/mill/k?AWSAccessKeyId=a&Expires=1&Signature=s", {}, b"")
    assert why(request) is Why.OTHER_MECHANISM


def test_the_date_may_be_https_own():
    def dated(request: Any, **_: Any) -> None:
        request.headers["Date"] = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")

    s3 = client("s3", "auto")
    s3.meta.events.register("before-sign.s3", dated)
    request = sent(s3.list_buckets)
    assert request.header("x-amz-date") is None
    assert passes(request)
    assert request.header("date") not in (None, datetime.now(UTC).strftime(TIMESTAMP))
