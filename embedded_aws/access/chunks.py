"""Bodies in signed chunks (S3's `aws-chunked`): each chunk's signature goes on from the one before it."""

import hashlib
import hmac
import re
from typing import BinaryIO

from embedded_aws.access.claims import ALGORITHM, Claim
from embedded_aws.access.refusals import Refused, Why

_HEAD = re.compile(rb"([0-9a-f]{1,8});chunk-signature=([0-9a-f]{64})\r\n")
_TRAILER_SIGNATURE = "x-amz-trailer-signature"
_MOST_LINE = 8192
_BLOCK = 1024**2
_EMPTY = hashlib.sha256().hexdigest()


def check(body: BinaryIO, claim: Claim, key: bytes, *, has_trailer: bool) -> None:
    """Refuse a body with a chunk, or a trailer, that is not signed as the one before it leads to."""
    before, size = claim.signature, -1
    while size:
        head = _HEAD.fullmatch(body.readline(_MOST_LINE))
        if head is None:
            raise Refused(Why.MISMATCH, claim.service, "a chunk has no signature")
        size = int(head[1], 16)
        expected = _sign(claim, key, f"{ALGORITHM}-PAYLOAD", before, _EMPTY, _hash(body, size, claim))
        if not hmac.compare_digest(expected.encode(), head[2]):
            raise Refused(Why.MISMATCH, claim.service, "a chunk is not the one signed")
        before = expected
        if size and body.read(2) != b"\r\n":
            raise Refused(Why.MISMATCH, claim.service, "a chunk is longer than it says")
    if has_trailer:
        _check_trailer(body, claim, key, before)


def _check_trailer(body: BinaryIO, claim: Claim, key: bytes, before: str) -> None:
    lines = [line.strip().decode("latin-1") for line in body.read(_MOST_LINE).splitlines() if line.strip()]
    pairs = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    text = "".join(f"{name}:{value}\n" for name, value in pairs if name != _TRAILER_SIGNATURE)
    hashed = hashlib.sha256(text.encode("latin-1")).hexdigest()
    expected = _sign(claim, key, f"{ALGORITHM}-TRAILER", before, hashed)
    if [value for name, value in pairs if name == _TRAILER_SIGNATURE] != [expected]:
        raise Refused(Why.MISMATCH, claim.service, "the trailer is not the one signed")


def _sign(claim: Claim, key: bytes, kind: str, before: str, *hashes: str) -> str:
    text = "\n".join((kind, claim.timestamp, claim.scope, before, *hashes))
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def _hash(body: BinaryIO, size: int, claim: Claim) -> str:
    digest = hashlib.sha256()
    while size:
        block = body.read(min(size, _BLOCK))
        if not block:
            raise Refused(Why.MISMATCH, claim.service, "a chunk is shorter than it says")
        digest.update(block)
        size -= len(block)
    return digest.hexdigest()
