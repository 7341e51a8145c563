"""S3's upload by an HTML form: its policy is what is signed, and every field must keep to it."""

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Event, Field, File, MultipartDecoder, NeedData

from embedded_aws.access.claims import ALGORITHM, Claim, credential, moment_of
from embedded_aws.access.refusals import Refused, Why
from embedded_aws.access.request import Request
from embedded_aws.access.signature import SKEW, known_secret, sign, signing_key

_BLOCK = 256 * 1024
_MOST_FORM = 1024**2  # bytes of all fields but the file
_UNCONDITIONED = {"policy", "x-amz-signature", "file"}
_IGNORED = "x-ignore-"


def is_form(request: Request) -> bool:
    """Tell an upload by a form from a request that is signed by a header or its query."""
    kind = (request.header("content-type") or "").lower()
    return request.method == "POST" and kind.startswith("multipart/form-data") and not request.lines("authorization")


def verify(request: Request, bucket: str, secret_of: Callable[[str], str | None], now: datetime) -> Claim:
    """Return what a form rightly claims; Refused where its signature, policy or fields are not right."""
    if request.query:
        raise Refused(Why.POLICY, "s3", "a form's address has no query")
    fields, size = _read(request)
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


def _read(request: Request) -> tuple[dict[str, str], int]:
    """Return the form's fields, names in lower case, and the size of its file; the body is left at its start."""
    parts: list[_Part] = []
    request.body.seek(0)
    try:
        _, options = parse_options_header(request.header("content-type"))
        decoder = MultipartDecoder(options.get("boundary", "").encode("latin-1"), max_form_memory_size=_MOST_FORM)
        for event in _events(decoder, request.body):
            if isinstance(event, Field | File):
                parts.append(_Part(event.name.lower()))
            elif isinstance(event, Data):
                parts[-1].take(event.data)
    except (ValueError, RequestEntityTooLarge, AttributeError):  # AttributeError: a part without a name
        raise Refused(Why.POLICY, "s3", "the form cannot be read") from None
    finally:
        request.body.seek(0)
    if len({part.name for part in parts}) < len(parts):
        raise Refused(Why.POLICY, "s3", "each field may be there once")
    fields = {part.name: part.value.decode("utf-8", "replace") for part in parts if not part.is_file}
    return fields, sum(part.size for part in parts if part.is_file)


def _events(decoder: MultipartDecoder, body: BinaryIO) -> Iterator[Event]:
    """Yield what a form consists of; ValueError where it does not end as it must."""
    while block := body.read(_BLOCK):
        decoder.receive_data(block)
        while not isinstance(event := decoder.next_event(), NeedData):
            yield event
    decoder.receive_data(None)
    yield decoder.next_event()


@dataclass
class _Part:
    """A field of a form; of a file the size alone."""

    name: str
    value: bytearray = field(default_factory=bytearray)
    size: int = 0

    @property
    def is_file(self) -> bool:
        """Tell the file from the other fields."""
        return self.name == "file"

    def take(self, data: bytes) -> None:
        """Take what comes next of it."""
        self.size += len(data)
        if not self.is_file:
            self.value.extend(data)


def _keep_to(policy: str, fields: dict[str, str], size: int, now: datetime) -> None:
    """Refuse a policy that has expired, and fields that none of its conditions allows."""
    try:
        parsed = json.loads(base64.b64decode(policy, validate=True))
        has_expired = now >= datetime.fromisoformat(parsed["expiration"])
        conditions = [_Condition(stated) for stated in parsed["conditions"]]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
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

    def holds(self, fields: dict[str, str], size: int) -> bool:
        """Tell whether a form keeps to it."""
        if not self.field:
            return size in self._sizes
        value = fields.get(self.field)
        if value is None:
            return False
        if self._kind == "starts-with":
            return all(part.strip().startswith(self._value) for part in _values(self.field, value))
        return self._kind == "eq" and value == self._value


def _values(field: str, value: str) -> list[str]:
    """Return what must start so: each of several media types, or the whole value."""
    return value.split(",") if field == "content-type" else [value]
