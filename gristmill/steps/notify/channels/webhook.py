"""A signed POST of JSON, by the Standard Webhooks specification (standardwebhooks.com); Slack and Teams take it too."""

import base64
import hashlib
import hmac
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import urllib3
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

import gristmill
from gristmill.errors import Refused, first_fault
from gristmill.steps.notify.channels import Notice, NotSent, as_json, cut, read_notice
from gristmill.timebox import NoAnswer, call_with_timeout

_SECONDS = 10.0  # that a receiver may take
_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)  # of the specification
_CHAT_TEXT_MAX = 6_000  # bytes; Slack takes 40,000 characters, each may become five, and a card of Teams 28 kB
_CARD_LINES = 60
_TROUBLES = {
    urllib3.exceptions.NameResolutionError: "its name is not known",
    urllib3.exceptions.SSLError: "its certificate is not valid, or it speaks no TLS",
    urllib3.exceptions.NewConnectionError: "it takes no connection",
    urllib3.exceptions.TimeoutError: "it takes too long",
    urllib3.exceptions.LocationParseError: "the URL is not valid",
}


class Endpoint(BaseModel):
    """What the parameter holds: where to post, the secret to sign with, and in which form."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str
    secret: str = ""
    format: Literal["json", "slack", "teams"] = "json"

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            is_whole = bool(parts.hostname) and parts.port != 0 and parts.username is None
        except ValueError:
            raise ValueError("is no URL") from None  # Python's words quote a part of it
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
            raise ValueError("must begin with https:// (http:// only to this machine itself)")
        if not is_whole or not url.isprintable() or " " in url:
            raise ValueError("must name a host, without a user or blanks")
        return url

    @field_validator("secret")
    @classmethod
    def _is_key(cls, secret: str) -> str:
        if secret and len(_key(secret)) not in _KEY_BYTES:
            raise ValueError(f"must be {_PREFIX} and 24 to 64 bytes in base64")
        return secret

    @model_validator(mode="after")
    def _is_signed(self) -> "Endpoint":
        if self.format == "json" and not self.secret:
            raise ValueError("format json needs a secret: receivers must be able to tell that it is you")
        return self


@dataclass(frozen=True)
class Webhook:
    """The channel that posts: where to, the id of the message (the same at each try), and the time of this try."""

    name: ClassVar[str] = "webhook"
    endpoint: Endpoint
    id: str
    now: datetime

    def send(self, notice: Notice) -> None:
        """Post a notice; NotSent where the receiver answers anything but 2xx within ten seconds."""
        body = json.dumps(_FORMS[self.endpoint.format](notice), ensure_ascii=False).encode()
        host = urlsplit(self.endpoint.url).hostname
        try:
            status = call_with_timeout(_SECONDS, lambda: _post(self.endpoint.url, body, self.headers(body)))
        except NoAnswer as error:
            raise NotSent(f"{host} did not answer: {error.what}") from None
        except urllib3.exceptions.HTTPError as error:  # its text may hold the URL
            raise NotSent(f"{host} could not be reached: {_why(error)}") from None
        if not 200 <= status < 300:
            raise NotSent(f"{host} answered {status}.")

    def headers(self, body: bytes) -> dict[str, str]:
        """Return the headers of a body: its signature too, where there is a secret."""
        common = {"content-type": "application/json", "user-agent": f"gristmill/{gristmill.__version__}"}
        if not self.endpoint.secret:
            return common
        stamp = int(self.now.timestamp())
        signature = sign(self.endpoint.secret, self.id, stamp, body)
        return common | {"webhook-id": self.id, "webhook-timestamp": str(stamp), "webhook-signature": signature}


def deliver(ssm: Any, parameter: str, event: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Post the notice of an event of SNS; return what was posted of which run."""
    (record,) = event["Records"]  # SNS sends one at a time
    message = record["Sns"]
    notice = read_notice(message["Message"])
    Webhook(read_endpoint(ssm, parameter), message["MessageId"], now).send(notice)
    return {"run": notice.run, "status": notice.status, "id": message["MessageId"]}


def read_endpoint(ssm: Any, parameter: str) -> Endpoint:
    """Return where to post, from a parameter of SSM; Refused, without what it holds, where it is missing or wrong."""
    try:
        value = ssm.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"]
        return Endpoint.model_validate_json(value)
    except ValidationError as error:
        fault = first_fault(error)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        fault = "there is no such parameter in SSM"
    raise Refused([f"parameter {parameter}: {fault}."], "See Notifications in docs/operating.md.")


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message; `timestamp` is in seconds."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()


def _key(secret: str) -> bytes:
    """Return the key of a secret, nothing where it is none."""
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True) if secret.startswith(_PREFIX) else b""
    except ValueError:
        return b""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _why(error: urllib3.exceptions.HTTPError) -> str:
    known = (why for kind, why in _TROUBLES.items() if isinstance(error, kind))
    return next(known, "the connection broke")


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Return the status of the answer, whose body means nothing."""
    with urllib3.PoolManager(retries=False, timeout=_SECONDS) as pool:
        answer = pool.request("POST", url, body=body, headers=headers, redirect=False, preload_content=False)
        answer.close()
        return int(answer.status)


def _for_programs(notice: Notice) -> dict[str, Any]:
    data = as_json(notice)
    return {"type": f"run.{notice.status.lower()}", "timestamp": data["at"], "data": data}


def _for_slack(notice: Notice) -> dict[str, Any]:
    """Return text in a block, where Slack neither formats nor links, with the three characters escaped that it asks."""
    text = f"{notice.subject}\n\n{cut(notice.text, _CHAT_TEXT_MAX)}".replace("`", "'")  # which could end the block
    return {"text": f"```\n{html.escape(text, quote=False)}```"}


def _for_teams(notice: Notice) -> dict[str, Any]:
    """Return an Adaptive Card of runs of text, which Teams takes as they are: it reads no markup in them."""
    lines = [line for line in cut(notice.text, _CHAT_TEXT_MAX).splitlines() if line][:_CARD_LINES]
    head = {"type": "TextRun", "text": notice.subject, "weight": "Bolder"}
    runs = [head, *({"type": "TextRun", "text": line, "fontType": "Monospace"} for line in lines)]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "RichTextBlock", "spacing": "None", "inlines": [run]} for run in runs],
    }
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [content]}


_FORMS = {"json": _for_programs, "slack": _for_slack, "teams": _for_teams}
