"""Whether a signature is right, computed as botocore computes it, of what came over the wire."""

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import normalize_url_path

from embedded_aws.access import payload
from embedded_aws.access.claims import SIGNATURE_ARGUMENT, TIMESTAMP, Claim, claim_of
from embedded_aws.access.refusals import Refused, Why
from embedded_aws.access.request import Request

SKEW = timedelta(minutes=15)
_NOT_SIGNED_IN_QUERY = f"{SIGNATURE_ARGUMENT}="


class _AsSent(SigV4Auth):  # type: ignore[misc]
    """botocore's signer, which takes the headers that are signed and the hash of the body as they are given."""

    def headers_to_sign(self, request: Any) -> Any:
        return request.headers

    def payload(self, request: Any) -> str:
        return str(request.context["payload"])

    def signature(self, string_to_sign: str, request: Any) -> str:
        return sign(request.context["key"], string_to_sign)


class _S3AsSent(_AsSent, S3SigV4Auth):  # type: ignore[misc]
    """The same for S3, whose path is not encoded twice."""


def sign(key: bytes, text: str) -> str:
    """Return the signature of a text."""
    return hmac.new(key, text.encode(), "sha256").hexdigest()


@lru_cache(maxsize=1024)
def signing_key(secret: str, scope: str) -> bytes:
    """Return the key that a secret gives for a scope: DAY/REGION/SERVICE/aws4_request."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def verify(request: Request, secret_of: Callable[[str], str | None], now: datetime) -> Claim:
    """Return what a request rightly claims; Refused where its signature, time or body is not right.

    Reads the body and leaves it at its start.
    """
    claim, key = _verify_claim(request, secret_of, now)
    body_hash = payload.claimed_hash(request, claim)
    _verify_signature(request, claim, body_hash, key)
    payload.check_body(request, claim, body_hash, key)
    return claim


def verify_head(request: Request, secret_of: Callable[[str], str | None], now: datetime) -> Claim:
    """Return what a request claims; Refused by all that can be known before its body comes.

    For S3 that is the signature, too; what other services sign has the hash of the body in it.
    """
    claim, key = _verify_claim(request, secret_of, now)
    if claim.service == "s3":
        _verify_signature(request, claim, payload.claimed_hash(request, claim), key)
    return claim


def _verify_claim(request: Request, secret_of: Callable[[str], str | None], now: datetime) -> tuple[Claim, bytes]:
    """Return a claim by a known key, of a right time, and the key that signs for it."""
    claim = claim_of(request)
    secret = known_secret(claim.access_key_id, claim.service, secret_of)
    if request.header("x-amz-security-token") or request.argument("X-Amz-Security-Token"):
        raise Refused(Why.UNKNOWN_KEY, claim.service, "and no key here has a session token")
    _check_time(claim, now)
    _check_headers(request, claim)
    return claim, signing_key(secret, claim.scope)


def _verify_signature(request: Request, claim: Claim, body_hash: str, key: bytes) -> None:
    if not _is_normal(request, claim) or not hmac.compare_digest(
        _expected(request, claim, body_hash, key), claim.signature
    ):
        raise Refused(Why.MISMATCH, claim.service)


def known_secret(access_key_id: str, service: str, secret_of: Callable[[str], str | None]) -> str:
    """Return the secret of a key id; Refused where there is none."""
    secret = secret_of(access_key_id)
    if secret is None:
        raise Refused(Why.UNKNOWN_KEY, service)
    return secret


def _check_time(claim: Claim, now: datetime) -> None:
    if claim.expires is None:
        if abs(now - claim.moment) > SKEW:
            raise Refused(Why.SKEWED, claim.service, f"it is {now.strftime(TIMESTAMP)} here")
    elif claim.moment - now > SKEW:
        raise Refused(Why.TOO_EARLY, claim.service)
    elif now >= claim.moment + timedelta(seconds=claim.expires):
        raise Refused(Why.EXPIRED, claim.service)


def _check_headers(request: Request, claim: Claim) -> None:
    """Hold the list of signed headers: in order, with the host, and with all that speak to AWS."""
    names = request.names
    if list(claim.signed) != sorted(set(claim.signed)) or "host" not in claim.signed:
        raise Refused(Why.MISMATCH, claim.service)
    if not set(claim.signed) <= names:
        raise Refused(Why.MISMATCH, claim.service, "a signed header is missing")
    left = {name for name in names - set(claim.signed) if name.startswith("x-amz-")}
    if left:
        raise Refused(Why.UNSIGNED_HEADERS, claim.service, ", ".join(sorted(left)))


def _is_normal(request: Request, claim: Claim) -> bool:
    """Return whether what is signed holds the whole target: nothing of it is dropped, and no order is lost that counts.

    The query is signed in the order of its names and values. A name that comes twice is a list, whose order no service
    minds; S3 has none, and what serves it takes the first. All services but S3 sign a path without dots and empty
    parts.
    """
    if not request.is_origin_form:
        return False
    if claim.service != "s3":
        return bool(normalize_url_path(request.path) == request.path)
    names = [name for name, _ in request.arguments]
    return len(set(names)) == len(names)


def _expected(request: Request, claim: Claim, body_hash: str, key: bytes) -> str:
    query = "&".join(pair for pair in request.query.split("&") if not pair.startswith(_NOT_SIGNED_IN_QUERY))
    sent = AWSRequest(request.method, url=f"http://host{request.path}?{query}")
    for name in claim.signed:
        sent.headers[name] = request.header(name)
    sent.context.update(timestamp=claim.timestamp, payload=body_hash, key=key)
    kind = _S3AsSent if claim.service == "s3" else _AsSent
    signer = kind(Credentials(claim.access_key_id, ""), claim.service, claim.region)
    return str(signer.signature(signer.string_to_sign(sent, signer.canonical_request(sent)), sent))
