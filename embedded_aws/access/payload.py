"""The body of a signed request: its hash, or the signatures of its chunks. Read in blocks, whatever its size."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from embedded_aws.access import chunks
from embedded_aws.access.claims import Claim
from embedded_aws.access.refusals import Refused, Why
from embedded_aws.access.request import Request

UNSIGNED = "UNSIGNED-PAYLOAD"
_SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_SIGNED_CHUNKS_AND_TRAILER = f"{_SIGNED_CHUNKS}-TRAILER"
_UNSIGNED_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_WORDS = (UNSIGNED, _SIGNED_CHUNKS, _SIGNED_CHUNKS_AND_TRAILER, _UNSIGNED_CHUNKS)
_HASH = re.compile("[0-9a-f]{64}")
_HEADER = "x-amz-content-sha256"
_BLOCK = 1024**2


def claimed_hash(request: Request, claim: Claim) -> str:
    """Return what is signed in the place of the body: for S3 what the request says, else the body's hash."""
    declared = request.header(_HEADER)
    if claim.service != "s3":
        return _hash_of(request.body)
    if declared is None and claim.expires is not None:
        return UNSIGNED
    if declared is None or not (declared in _WORDS or _HASH.fullmatch(declared)):
        raise Refused(Why.BODY_HASH, claim.service)
    return declared


def check_body(request: Request, claim: Claim, claimed: str, key: bytes) -> None:
    """Refuse a body that is not the one signed, after the signature itself has been found right."""
    if claimed in (_SIGNED_CHUNKS, _SIGNED_CHUNKS_AND_TRAILER):
        with _from_start(request.body) as body:
            chunks.check(body, claim, key, has_trailer=claimed == _SIGNED_CHUNKS_AND_TRAILER)
    elif claimed not in _WORDS:
        declared = request.header(_HEADER) or claimed
        actual = claimed if claim.service != "s3" else _hash_of(request.body)
        if declared != actual:
            raise Refused(Why.OTHER_BODY, claim.service)


def _hash_of(body: BinaryIO) -> str:
    digest = hashlib.sha256()
    with _from_start(body):
        while block := body.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _from_start(body: BinaryIO) -> Iterator[BinaryIO]:
    """Give the body at its start, and leave it there for whoever serves the request."""
    body.seek(0)
    yield body
    body.seek(0)
