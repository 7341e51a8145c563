"""The gate as a whole: which hosts and pages it answers to, what it hands on, and how it words a refusal."""

import io
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.access.gate import CLAIM, PROVEN, Gate, Rules
from embedded_aws.access.hosts import Named, named_by
from embedded_aws.access.open_paths import OPEN
from embedded_aws.access.origins import Rule
from embedded_aws.access.request import WIRE_HEADERS, Request
from tests.embedded_aws.signed import PORT, RING, USER, KeyPair, client, request_from, sent, with_header

TAKE_KEYS = 'eval "$(keys of it)"'  # how its user gets the keys
BRIDGE = "10.142.0.1"
PAGE = "https://lab.example"
CORS = {"shared": [Rule((PAGE, "http://*.lab.example"), ("GET", "PUT"), ("x-amz-*", "content-type"), ("ETag",), "60")]}


class Served:
    """A gate, what it has handed on, and what it has answered."""

    def __init__(self) -> None:
        self.handed_on: list[dict[str, Any]] = []
        self.identified = 0
        self.status = ""
        self.headers: dict[str, str] = {}
        rules = Rules(
            PORT, "us-east-1", frozenset([BRIDGE]), RING.secret_of, lambda bucket: CORS.get(bucket, []), TAKE_KEYS
        )
        self._gate = Gate(self._serve, self._identify, rules)

    def _serve(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.handed_on.append(environ)
        start_response("200 OK", [("Content-Length", "2"), ("Access-Control-Allow-Origin", "https://moto.example")])
        return [b"ok"]

    def _identify(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.identified += 1
        start_response("200 OK", [])
        return []

    def __call__(self, request: Request) -> bytes:
        def start(status: str, headers: list[tuple[str, str]]) -> None:
            self.status, self.headers = status, {name.lower(): value for name, value in headers}

        return b"".join(self._gate(environ_of(request), start))


def environ_of(request: Request) -> dict[str, Any]:
    path, _, query = request.target.partition("?")
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers}
    return {
        **named,
        "REQUEST_METHOD": request.method,
        "REQUEST_URI": request.target,
        "RAW_URI": request.target,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "wsgi.input": request.body,
        WIRE_HEADERS: request.headers,
        PROVEN: lambda: None,
    }


@pytest.fixture
def served() -> Served:
    return Served()


def to_host(*hosts: str, target: str = "/") -> Request:
    return Request("GET", target, tuple(("host", host) for host in hosts), io.BytesIO())


@pytest.mark.parametrize("name", ["localhost", "LocalHost", "127.0.0.1", "127.9.8.7", "[::1]", BRIDGE])
def test_this_machine_is_named_by_loopback_and_its_bridge(name: str):
    assert named_by(to_host(f"{name}:{PORT}"), PORT, frozenset([BRIDGE])) == Named()
    assert named_by(to_host(f"{name}:{PORT + 1}"), PORT, frozenset([BRIDGE])) is None
    assert named_by(to_host(name), PORT, frozenset([BRIDGE])) is None
    assert named_by(to_host(name), 80, frozenset([BRIDGE])) == Named()


@pytest.mark.parametrize(
    ("name", "bucket"),
    [
        ("mill", "mill"),
        ("my-mill", "my-mill"),
        ("my.mill", "my.mill"),
        ("mill.s3", "mill"),
        ("mill.s3.eu-west-1", "mill"),
    ],
)
def test_a_bucket_is_named_by_its_virtual_host(name: str, bucket: str):
    assert named_by(to_host(f"{name}.localhost:{PORT}"), PORT, frozenset()) == Named(bucket)


@pytest.mark.parametrize(
    "name",
    [
        *("attacker.com", "localhost.evil.com", "127.0.0.1.nip.io", "localhost.", "evil.com#.localhost", "a@localhost"),
        *("127.1", "2130706433", "0x7f.1", "[::]", "[::ffff:127.0.0.1]", "::1", "127.0.0.1]", "10.142.0.2", "0.1"),
        *("s3.us-east-1.amazonaws.com", "169.254.169.254", "-a.localhost", "a b.localhost", "localhost,localhost", ""),
        *("１27.0.0.1", "localhost\u0661", ".localhost", "..localhost"),
    ],
)
def test_no_other_name_is_this_machine(served: Served, name: str):
    for host in (name, f"{name}:{PORT}"):
        served(to_host(host))
        assert served.status == "421 Misdirected Request"
    assert served.handed_on == []


@given(st.text("abz019.-:[]@/\\#%_ ", max_size=20))
def test_a_name_that_is_taken_ends_in_localhost_or_is_an_address(name: str):
    named = named_by(to_host(f"{name}:{PORT}"), PORT, frozenset())
    assert named is None or name.endswith("localhost") or name.strip("[]").replace(".", "").replace(":", "").isdecimal()


def test_a_request_has_one_host_and_a_path():
    good = f"localhost:{PORT}"
    for request in (
        to_host(),
        to_host(good, good),
        to_host(good, "evil.example"),
        to_host(good, target="http://evil.example/"),
        to_host(good, target=f"http://{good}/"),
        to_host(good, target="*"),
        to_host(good, target=""),
        to_host(good, target="/a b"),
        to_host(good, target="/ä"),
    ):
        assert named_by(request, PORT, frozenset()) is None


def test_what_is_signed_is_handed_on_with_its_caller_and_its_bucket_in_the_path(served: Served):
    for style, host in (("path", "localhost"), ("virtual", "localhost"), ("auto", "127.0.0.1")):
        s3 = client("s3", style, host=host)
        assert served(sent(lambda s3=s3: s3.get_object(Bucket="my.mill", Key="/a b"))) == b"ok"
        assert served.handed_on[-1]["RAW_URI"] == "/my.mill//a%20b"
        served(sent(lambda s3=s3: s3.list_objects_v2(Bucket="mill")))
        assert served.handed_on[-1]["REQUEST_URI"].partition("&")[0] == "/mill?list-type=2"
        assert served.handed_on[-1]["PATH_INFO"] == "/mill"
        assert ".localhost" not in served.handed_on[-1]["HTTP_HOST"]
    claim = served.handed_on[-1][CLAIM]
    assert (claim.service, claim.access_key_id) == ("s3", RING.user.access_key_id)


def test_nothing_unsigned_is_handed_on_but_what_the_table_names(served: Served):
    paths = ["/moto-api/reset", "//moto-api/reset", "/%6doto-api/reset", "/Moto-Api/data.json", "/favicon.ico"]
    paths += [
        "/latest/meta-data/",
        "/_aws/sns",
        "/",
        "/mill/key",
        "/s3_us-east-1/x",
        "/2015-03-31/functions",
        "/static/a",
    ]
    paths += ["/_embedded/identity/", "/_embedded%2fidentity", "//_embedded/identity"]
    for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "TRACE"):
        for path in paths:
            served(replace(to_host(f"localhost:{PORT}", target=path), method=method))
            assert served.status.startswith("403"), (method, path)
    assert served.handed_on == []
    assert served.identified == 0
    served(to_host(f"localhost:{PORT}", target="/_embedded/identity?challenge=00"))
    assert served.identified == 1
    assert [entry.path for entry in OPEN] == ["*", "/_embedded/identity"]


def preflight(origin: str, method: str, headers: str = "", target: str = "/shared/key") -> Request:
    asked = {"origin": origin, "access-control-request-method": method, "access-control-request-headers": headers}
    lines = (("host", f"localhost:{PORT}"), *((name, value) for name, value in asked.items() if value))
    return Request("OPTIONS", target, lines, io.BytesIO())


def test_a_preflight_is_answered_by_the_buckets_own_rules(served: Served):
    served(preflight(PAGE, "PUT", "X-Amz-Date, Content-Type"))
    assert served.status == "200 OK"
    assert served.headers["access-control-allow-origin"] == PAGE
    assert served.headers["access-control-allow-headers"] == "x-amz-date, content-type"
    served(preflight("http://a.lab.example", "GET"))
    assert served.status == "200 OK"
    for refused in (
        preflight("https://evil.example", "GET"),
        preflight("null", "GET"),
        preflight("", "GET"),
        preflight(f"http://localhost:{PORT + 1}", "GET"),
        preflight(PAGE, "DELETE"),
        preflight(PAGE, "PUT", "x-other"),
        preflight(PAGE, "PUT", target="/other/key"),
        preflight(PAGE, "PUT", target="/"),
        preflight(PAGE, ""),
    ):
        served(refused)
        assert served.status == "403 Forbidden"
        assert not [name for name in served.headers if name.startswith("access-control")]
    assert served.handed_on == []


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"http://localhost:{PORT + 1}", "http://evil.localhost"]
)
def test_a_foreign_page_gets_nothing_even_when_it_signs(served: Served, origin: str):
    for call in (
        lambda: client("s3", "path").list_buckets(),
        lambda: client("s3").get_object(Bucket="shared", Key="k"),
        lambda: client("stepfunctions").list_state_machines(),
    ):
        served(with_header(sent(call), "origin", origin))
        assert served.status == "403 Forbidden"
        assert not [name for name in served.headers if name.startswith("access-control")]
    served(with_header(to_host(f"localhost:{PORT}", target="/_embedded/identity?challenge=00"), "origin", origin))
    assert served.status == "403 Forbidden"
    assert (served.handed_on, served.identified) == ([], 0)


def test_a_page_that_a_bucket_admits_reaches_that_bucket_and_no_other_service(served: Served):
    served(with_header(sent(lambda: client("s3").get_object(Bucket="shared", Key="k")), "origin", PAGE))
    assert served.headers["access-control-allow-origin"] == PAGE
    assert "HTTP_ORIGIN" not in served.handed_on[-1]
    url = client("s3").generate_presigned_url("put_object", Params={"Bucket": "shared", "Key": "k"})
    served(with_header(request_from("PUT", url, {}, b"b"), "origin", PAGE))
    assert len(served.handed_on) == 2
    served(with_header(to_host(f"shared.localhost:{PORT}", target="/k"), "origin", PAGE))
    assert served.status == "403 Forbidden", "admitted, and not signed"
    invoke = sent(lambda: client("lambda").invoke(FunctionName="f"))
    served(with_header(replace(invoke, method="PUT"), "origin", PAGE))
    logs = sent(lambda: client("logs", host="shared.localhost").describe_log_groups())
    served(with_header(logs, "origin", PAGE))
    assert len(served.handed_on) == 2


def test_a_page_of_this_very_host_is_not_foreign(served: Served):
    served(with_header(sent(client("s3", "path").list_buckets), "origin", f"http://localhost:{PORT}"))
    assert served.status == "200 OK"
    assert "access-control-allow-origin" not in served.headers, "moto's own are taken away"


def test_no_header_chooses_an_account(served: Served):
    served(with_header(sent(client("s3", "path").list_buckets), "x-moto-account-id", "1"))
    assert "HTTP_X_MOTO_ACCOUNT_ID" not in served.handed_on[-1]


NAMES = st.sampled_from(
    ["authorization", "x-amz-date", "date", "x-amz-content-sha256", "content-type", "x-amz-target", "origin", "x-amz-a"]
)
ODD = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40) | st.sampled_from(
    [
        f"AWS4-HMAC-SHA256 Credential={USER.access_key_id}/20261231/us-east-1/{service}/aws4_request, "
        f"SignedHeaders=host, Signature={'0' * 64}"
        for service in ("s3", "states")
    ]
    + ["99991231T235959Z", "00010101T000000Z", "Mon, 01 Jan 0001 00:00:00 +2359", "multipart/form-data; boundary=ä"]
)
SIGNING = ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"]
QUERIES = st.dictionaries(st.sampled_from([f"X-Amz-{name}" for name in SIGNING]), ODD | st.just("9" * 5000))


@given(st.sampled_from(["GET", "POST", "PUT"]), st.dictionaries(NAMES, ODD), QUERIES, st.binary(max_size=60))
def test_whatever_comes_without_a_right_signature_is_refused_in_words(
    method: str, headers: dict[str, str], query: dict[str, str], body: bytes
):
    served, lines = Served(), (("host", f"localhost:{PORT}"), *headers.items())
    served(Request(method, f"/mill?{urlencode(query)}", lines, io.BytesIO(body)))
    assert served.status[:3] in ("400", "403")
    assert served.handed_on == []


def test_a_key_of_this_server_signs_for_its_own_region_alone(served: Served):
    abroad = client("s3", "path", region="eu-west-1")
    assert b"one region, us-east-1" in served(sent(abroad.list_buckets))
    assert served.handed_on == []


OLD = KeyPair("GMIA" + "Z" * 16, "o" * 40)
WORDED = {
    "s3": (lambda c: c.list_buckets(), 403, "InvalidAccessKeyId"),
    "stepfunctions": (lambda c: c.list_state_machines(), 400, "UnrecognizedClientException"),
    "sqs": (lambda c: c.list_queues(), 400, "UnrecognizedClientException"),
    "sns": (lambda c: c.list_topics(), 403, "InvalidClientTokenId"),
    "cloudformation": (lambda c: c.list_stacks(), 403, "InvalidClientTokenId"),
    "ec2": (lambda c: c.describe_vpcs(), 403, "InvalidClientTokenId"),
    "lambda": (lambda c: c.list_functions(), 403, "UnrecognizedClientException"),
    "batch": (lambda c: c.list_jobs(jobQueue="q"), 403, "UnrecognizedClientException"),
    "cloudwatch": (lambda c: c.list_metrics(), 400, "UnrecognizedClientException"),
}


@pytest.mark.parametrize("service", WORDED)
def test_an_old_key_is_refused_in_the_protocol_of_the_service_with_the_mend(served: Served, service: str):
    call, status, code = WORDED[service]
    made = client(service, pair=OLD)
    protocol = made.meta.service_model.resolved_protocol
    body = served(sent(lambda: call(made)))
    assert served.status.startswith(str(status))
    answer = {"status_code": status, "headers": served.headers, "body": body}
    error = create_parser(protocol).parse(answer, None)["Error"]
    assert error["Code"] == code
    assert TAKE_KEYS in error["Message"]


def test_what_is_not_signed_is_told_so(served: Served):
    body = served(to_host(f"localhost:{PORT}", target="/mill/<key>"))
    assert ET.fromstring(body).findtext("Code") == "AccessDenied"  # noqa: S314 - our own
    request = with_header(sent(client("stepfunctions").list_state_machines), "authorization", None)
    assert json.loads(served(request))["__type"] == "MissingAuthenticationTokenException"
    assert served(replace(to_host(f"localhost:{PORT}"), method="HEAD")) == b""
