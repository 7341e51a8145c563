"""Requests as botocore signs and sends them, caught before they leave."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from embedded_aws.access.request import Request
from embedded_aws.machine.surroundings import KeyPair
from embedded_aws.settings.keys import KeyRing

PORT = 4566
USER = KeyPair("GMIA" + "A" * 16, "s" * 40)
RING = KeyRing(USER, b"k" * 32)
_SENT: list[Request] = []


def _body_of(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes | bytearray) else body.read()


def request_from(method: str, url: str, headers: dict[str, str], body: bytes) -> Request:
    """Return a request as a server sees it; the connection adds the Host and the length."""
    address = urlsplit(url)
    lines = {name.lower(): value for name, value in headers.items()}
    sent = {"host": address.netloc, "content-length": str(len(body)), **lines}
    target = url.partition(address.netloc)[2] or "/"
    return Request(method, target, tuple(sent.items()), io.BytesIO(body))


def _catch(request: Any, **_: Any) -> AWSResponse:
    headers = {name: v.decode() if isinstance(v, bytes) else str(v) for name, v in request.headers.items()}
    _SENT.append(request_from(request.method, request.url, headers, _body_of(request.body)))
    return AWSResponse(request.url, 400, {}, None)


@cache
def client(
    service: str, style: str = "virtual", pair: KeyPair = USER, host: str = "localhost", region: str = "us-east-1"
) -> Any:
    made = boto3.client(
        service,
        endpoint_url=f"http://{host}:{PORT}",
        region_name=region,
        aws_access_key_id=pair.access_key_id,
        aws_secret_access_key=pair.secret_access_key,
        config=Config(
            s3={"addressing_style": style},
            signature_version="s3v4" if service == "s3" else None,  # for presigned URLs, boto3 would take the old one
            retries={"total_max_attempts": 1},
        ),
    )
    made.meta.events.register("before-send", _catch)
    return made


def sent(call: Callable[[], Any]) -> Request:
    """Return the one request that a call of a client sends."""
    _SENT.clear()
    with contextlib.suppress(Exception):  # there is no answer
        call()
    (request,) = _SENT
    return request


def with_header(request: Request, name: str, value: str | None) -> Request:
    """Return a request with a header set, or without it."""
    kept = tuple((known, old) for known, old in request.headers if known != name)
    return replace(request, headers=kept if value is None else (*kept, (name, value)))
