"""AWS's own words for a refusal, in the protocol of the service that was asked."""

import json
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from xml.sax.saxutils import escape

from embedded_aws.access.refusals import Refused, Why
from embedded_aws.access.request import Request

_FORM = "application/x-www-form-urlencoded"


_KEYS_WANTED = {Why.UNKNOWN_KEY, Why.UNSIGNED}


_BAD_SIGNATURES = (Why.MALFORMED, Why.MALFORMED_QUERY, Why.OTHER_MECHANISM, Why.OTHER_BODY, Why.BODY_HASH)


_BAD_REQUESTS = (Why.FIELDS_TOO_LARGE, Why.UNREADABLE, Why.NO_SERVICE)


_STATUSES: dict[Why, HTTPStatus] = {
    **dict.fromkeys((*_BAD_SIGNATURES, *_BAD_REQUESTS), HTTPStatus.BAD_REQUEST),
    Why.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Why.NO_LENGTH: HTTPStatus.LENGTH_REQUIRED,
    Why.NO_ROOM: HTTPStatus.SERVICE_UNAVAILABLE,
}


@dataclass(frozen=True)
class Answer:
    """A response of the gate's own."""

    status: HTTPStatus
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def answer_to(request: Request, refused: Refused, take_keys: str) -> Answer:
    """Return a refusal as the service that was asked would word it; `take_keys` tells how to get the keys."""
    s3_code, json_code, query_code, message = refused.why.value
    message = f"{message}: {take_keys}" if refused.why in _KEYS_WANTED else message
    text = f"{message}; {refused.detail}" if refused.detail else message
    number = str(uuid.uuid4())
    status = _STATUSES.get(refused.why, HTTPStatus.FORBIDDEN)
    if refused.why is Why.FOREIGN_ORIGIN:  # a browser's affair, and S3's words for it
        return _answer(HTTPStatus.FORBIDDEN, "application/xml", _s3(s3_code, text, number))
    if request.header("x-amz-target"):
        body = json.dumps({"__type": json_code, "message": text}).encode()
        if status == HTTPStatus.FORBIDDEN:
            status = HTTPStatus.BAD_REQUEST
        return _answer(status, "application/x-amz-json-1.1", body)
    if refused.service == "ec2":
        return _answer(status, "text/xml", _ec2(query_code, text, number))
    if _is_query(request):
        return _answer(status, "text/xml", _query(query_code, text, number))
    if refused.service in ("", "s3"):
        return _answer(status, "application/xml", _s3(s3_code, text, number))
    body = json.dumps({"message": text}).encode()
    if refused.why in _BAD_SIGNATURES:
        status = HTTPStatus.FORBIDDEN
    return _answer(status, "application/json", body, x_amzn_errortype=json_code)


def _answer(status: HTTPStatus, kind: str, body: bytes, **more: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    headers = {"content-type": kind, "content-length": str(len(body)), **named}
    return Answer(status, tuple(headers.items()), body)


def _is_query(request: Request) -> bool:
    return (request.header("content-type") or "").startswith(_FORM) or request.argument("Action") is not None


def _s3(code: str, text: str, number: str) -> bytes:
    inside = f"<Code>{code}</Code><Message>{escape(text)}</Message><RequestId>{number}</RequestId>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}</Error>'.encode()


def _query(code: str, text: str, number: str) -> bytes:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
    return f"<ErrorResponse>{error}<RequestId>{number}</RequestId></ErrorResponse>".encode()


def _ec2(code: str, text: str, number: str) -> bytes:
    error = f"<Errors><Error><Code>{code}</Code><Message>{escape(text)}</Message></Error></Errors>"
    return f"<Response>{error}<RequestID>{number}</RequestID></Response>".encode()
