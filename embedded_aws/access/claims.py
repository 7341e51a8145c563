"""What a request claims: whose key signed it, when, for which service, and which headers (Signature Version 4)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property

from embedded_aws.access.refusals import Refused, Why
from embedded_aws.access.request import Request

ALGORITHM = "AWS4-HMAC-SHA256"
TIMESTAMP = "%Y%m%dT%H%M%SZ"
SIGNATURE_ARGUMENT = "X-Amz-Signature"
_IN_HEADER = re.compile(rf"{ALGORITHM} +Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{{64}})")
_TIMESTAMP = re.compile("[0-9]{8}T[0-9]{6}Z")
_CREDENTIAL = re.compile(r"([^/\s]+)/(\d{8})/([a-z0-9-]{1,32})/([a-z0-9-]{1,64})/aws4_request")
_IN_QUERY = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders")
_OLD_ARGUMENTS = {"AWSAccessKeyId", "Signature"}  # of Signature Version 2


@dataclass(frozen=True)
class Claim:
    """A signature and what it is of; `expires` has the seconds that a presigned URL lasts."""

    access_key_id: str
    region: str
    service: str
    moment: datetime
    signed: tuple[str, ...]
    signature: str
    expires: int | None = None

    @cached_property
    def timestamp(self) -> str:
        """Return the moment as it is signed."""
        return self.moment.strftime(TIMESTAMP)

    @cached_property
    def scope(self) -> str:
        """Return what the signing key is for."""
        return f"{self.timestamp[:8]}/{self.region}/{self.service}/aws4_request"


def claim_of(request: Request) -> Claim:
    """Return what a request claims by its header or its query; Refused where it claims nothing, or both."""
    names = [name for name, _ in request.arguments]
    in_query = [name for name in names if name in (*_IN_QUERY, SIGNATURE_ARGUMENT)]
    headers = request.lines("authorization")
    if len(headers) + bool(in_query) > 1:
        raise Refused(Why.OTHER_MECHANISM, detail="only one authorization is allowed")
    if in_query:
        return _of_query(request, names)
    if headers:
        return _of_header(request, headers[0])
    if _OLD_ARGUMENTS & set(names):
        raise Refused(Why.OTHER_MECHANISM, "s3", "boto3 presigns so with Config(signature_version='s3v4')")
    raise Refused(Why.UNSIGNED)


def credential(text: str, why: Why) -> tuple[str, str, str, str]:
    """Return key id, day, region and service of a credential."""
    found = _CREDENTIAL.fullmatch(text)
    if found is None:
        raise Refused(why, detail="the Credential is not KEY/DAY/REGION/SERVICE/aws4_request")
    return found[1], found[2], found[3], found[4]


def moment_of(text: str, day: str, why: Why, service: str) -> datetime:
    """Return a timestamp that lies on the credential's day."""
    try:
        moment = datetime.fromisoformat(text if _TIMESTAMP.fullmatch(text) else "")
    except ValueError:
        raise Refused(why, service, "the date is not YYYYMMDDTHHMMSSZ") from None
    if text[:8] != day:
        raise Refused(why, service, "the date is not that of the Credential")
    return moment


def _of_header(request: Request, header: str) -> Claim:
    if not header.startswith(f"{ALGORITHM} "):
        raise Refused(Why.OTHER_MECHANISM)
    found = _IN_HEADER.fullmatch(header)
    if found is None:
        raise Refused(Why.MALFORMED)
    key, day, region, service = credential(found[1], Why.MALFORMED)
    moment = moment_of(_date(request, service), day, Why.MALFORMED, service)
    return Claim(key, region, service, moment, tuple(found[2].split(";")), found[3])


def _date(request: Request, service: str) -> str:
    """Return the one date of a request, as `X-Amz-Date` or as HTTP's own `Date`."""
    own, common = request.lines("x-amz-date"), request.lines("date")
    if len(own) == 1:
        return own[0]
    try:
        (text,) = common
        return parsedate_to_datetime(text).astimezone(UTC).strftime(TIMESTAMP)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise Refused(Why.MALFORMED, service, "there is no valid date") from None


def _of_query(request: Request, names: list[str]) -> Claim:
    why = Why.MALFORMED_QUERY
    values = {name: request.argument(name) or "" for name in (*_IN_QUERY, SIGNATURE_ARGUMENT)}
    algorithm, scope, date, expires, signed, signature = values.values()
    if algorithm and algorithm != ALGORITHM:
        raise Refused(Why.OTHER_MECHANISM)
    key, day, region, service = credential(scope, why)
    if any(names.count(name) != 1 for name in values) or not re.fullmatch("[0-9a-f]{64}", signature):
        raise Refused(why, service, f"each of {', '.join(values)} is needed once")
    if not re.fullmatch("[0-9]{1,6}", expires) or not 1 <= int(expires) <= 604_800:
        raise Refused(why, service, "X-Amz-Expires must be 1 to 604800 seconds")
    moment = moment_of(date, day, why, service)
    return Claim(key, region, service, moment, tuple(signed.split(";")), signature, int(expires))
