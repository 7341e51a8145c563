"""S3's upload by an HTML form: its policy is what is signed, and every field must keep to it."""

import base64
import hmac
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from embedded_aws.access.claims import ALGORITHM, Claim, credential, moment_of
from embedded_aws.access.refusals import Refused, Why
from embedded_aws.access.request import Request
from embedded_aws.access.signature import SKEW, known_secret, sign, signing_key

_BLOCK = 256 * 1024
_PIECE = 4096  # bytes that are read at once before the file begins
_MOST_FIELDS = 20 * 1024  # bytes of all before the file, heads of the fields included, as on AWS
_BOUNDARY = re.compile("[ -~]{1,70}")
_UNCONDITIONED = {"policy", "x-amz-signature", "file"}
_IGNORED = "x-ignore-"


def is_form(request: Request) -> bool:
    """Tell an upload by a form from a request that is signed by a header or its query."""
    kind = (request.header("content-type") or "").lower()
    return request.method == "POST" and kind.startswith("multipart/form-data") and not request.lines("authorization")


class Signed:
    """A form that is read as it comes: its fields are held against their signature before its file is taken."""

    def __init__(
        self, request: Request, named: str, secret_of: Callable[[str], str | None], now: Callable[[], datetime]
    ) -> None:
        """Take the bucket that the Host names, empty where the path names it."""
        self.is_proven = False
        self._bucket = _bucket_of(request, named)
        self._secret_of, self._now = secret_of, now
        self._reader = Reader(request)

    def take(self, data: bytes) -> None:
        """Take bytes; Refused as soon as the fields are not rightly signed, or do not keep to their policy."""
        if self.is_proven:
            return
        for start in range(0, len(data), _PIECE):
            self._reader.take(data[start : start + _PIECE])
            if self._reader.is_at_file:
                _claim_of(self._reader.fields, self._bucket, None, self._secret_of, self._now())
                self.is_proven = True
                return


def verify(request: Request, named: str, secret_of: Callable[[str], str | None], now: datetime) -> Claim:
    """Return what a form rightly claims; Refused where its signature, policy or fields are not right."""
    bucket, reader = _bucket_of(request, named), Reader(request)
    request.body.seek(0)
    try:
        while block := request.body.read(_BLOCK if reader.is_at_file else _PIECE):
            reader.take(block)
        reader.end()
    finally:
        request.body.seek(0)
    return _claim_of(reader.fields, bucket, reader.size, secret_of, now)


def _bucket_of(request: Request, named: str) -> str:
    bucket = named or request.path.strip("/")
    if request.target not in (("/",) if named else (f"/{bucket}", f"/{bucket}/")):
        raise Refused(Why.POLICY, "s3", "a form's address is that of its bucket, without a key or a query")
    return bucket


def _claim_of(
    fields: dict[str, str], bucket: str, size: int | None, secret_of: Callable[[str], str | None], now: datetime
) -> Claim:
    """Return what a form's fields rightly claim; its size is None as long as the file has not come."""
    algorithm, signature = fields.get("x-amz-algorithm"), fields.get("x-amz-signature", "")
    if algorithm is None and "signature" not in fields:
        raise Refused(Why.UNSIGNED, "s3")
    if algorithm != ALGORITHM:
        raise Refused(Why.OTHER_MECHANISM, "s3")
    key, day, region, service = credential(fields.get("x-amz-credential", ""), Why.MALFORMED_QUERY)
    moment = moment_of(fields.get("x-amz-date", ""), day, Why.MALFORMED_QUERY, service)
    claim = Claim(key, region, service, moment, (), signature)
    secret = known_secret(key, service, secret_of)
    policy = fields.get("policy", "")
    if service != "s3" or not hmac.compare_digest(
        sign(signing_key(secret, claim.scope), policy).encode(), signature.encode()
    ):
        raise Refused(Why.MISMATCH, "s3")
    if moment - now > SKEW:
        raise Refused(Why.TOO_EARLY, "s3")
    _keep_to(policy, {**fields, "bucket": bucket}, size, now)
    return claim


class Reader:
    """Reads a form: its fields, names in lower case, and the size of its file, which is the last of it."""

    def __init__(self, request: Request) -> None:
        self.size = 0
        self.is_at_file = False
        self._values: dict[str, bytearray] = {}
        self._name = ""
        self._taken = 0
        kinds = request.lines("content-type")
        boundary = parse_options_header(kinds[0])[1].get("boundary", "")
        if len(kinds) > 1 or not _BOUNDARY.fullmatch(boundary):
            raise Refused(Why.POLICY, "s3", "the form cannot be read")
        self._decoder = MultipartDecoder(boundary.encode())

    @property
    def fields(self) -> dict[str, str]:
        """Return the fields that came before the file."""
        return {name: value.decode("utf-8", "replace") for name, value in self._values.items()}

    def take(self, data: bytes) -> None:
        """Take bytes, few at once until the file begins; Refused where they are too many, or no form."""
        if not self.is_at_file and (taken := self._taken + len(data)) > _MOST_FIELDS + _PIECE:
            raise Refused(Why.FIELDS_TOO_LARGE, "s3", f"they may have {_MOST_FIELDS} bytes, and {taken} have come")
        self._taken += len(data)
        self._decode(data)

    def end(self) -> None:
        """Take note that no more comes; Refused where the form does not end so."""
        self._decode(None)

    def _decode(self, data: bytes | None) -> None:
        try:
            self._decoder.receive_data(data)
            while not isinstance(event := self._decoder.next_event(), NeedData | Epilogue):
                self._note(event)
        except (ValueError, AttributeError):  # AttributeError: a part without a name
            raise Refused(Why.POLICY, "s3", "the form cannot be read") from None

    def _note(self, event: Event) -> None:
        if isinstance(event, Field | File):
            self._name = event.name.lower()
            if self.is_at_file or self._name in self._values:
                raise Refused(Why.POLICY, "s3", "each field may be there once, and the file is the last")
            self.is_at_file = self._name == "file"
            if not self.is_at_file:
                self._values[self._name] = bytearray()
        elif isinstance(event, Data) and self.is_at_file:
            self.size += len(event.data)
        elif isinstance(event, Data):
            self._values[self._name] += event.data


def _keep_to(policy: str, fields: dict[str, str], size: int | None, now: datetime) -> None:
    """Refuse a policy that has expired, and fields that none of its conditions allows."""
    try:
        parsed = json.loads(base64.b64decode(policy, validate=True))
        has_expired = now >= datetime.fromisoformat(parsed["expiration"])
        conditions = [_Condition(stated) for stated in parsed["conditions"]]
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise Refused(Why.POLICY, "s3", "the policy cannot be read") from None
    if has_expired:
        raise Refused(Why.EXPIRED, "s3", "Policy expired")
    broken = [condition.text for condition in conditions if not condition.holds(fields, size)]
    named = {condition.field for condition in conditions}
    free = {name for name in fields if name not in _UNCONDITIONED and not name.startswith(_IGNORED)} - named
    if broken or free:
        raise Refused(Why.POLICY, "s3", "; ".join([*broken, *(f"extra input field: {name}" for name in sorted(free))]))


class _Condition:
    """One condition of a policy: `{field: value}`, `[eq | starts-with, $field, value]` or a range of sizes."""

    def __init__(self, stated: Any) -> None:
        if isinstance(stated, dict):
            ((field, value),) = stated.items()
            stated = ["eq", f"${field}", value]
        self.text = json.dumps(stated)
        kind, first, second = stated
        self._kind, self._value = str(kind).lower(), str(second)
        is_range = self._kind == "content-length-range"
        self._sizes = range(int(first), int(second) + 1) if is_range else range(0)
        self.field = "" if is_range else str(first).removeprefix("$").lower()

    def holds(self, fields: dict[str, str], size: int | None) -> bool:
        """Return whether a form keeps to it, as far as is known."""
        if not self.field:
            return size is None or size in self._sizes
        value = fields.get(self.field)
        if value is None:
            return False
        if self._kind == "starts-with":
            return all(part.strip().startswith(self._value) for part in _values(self.field, value))
        return self._kind == "eq" and value == self._value


def _values(field: str, value: str) -> list[str]:
    """Return what must start so: each of several media types, or the whole value."""
    return value.split(",") if field == "content-type" else [value]
