"""What SNS refuses to publish, and moto does not."""

import json
from typing import Any

from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import SNSBackend

_MESSAGE_MAX = 256 * 1024  # bytes


def install() -> None:
    """Refuse at publishing what SNS refuses there."""
    publish = SNSBackend.publish

    def publish_checked(self: Any, message: str, arn: str | None, *more: Any, **named: Any) -> Any:
        if named.get("subject") is not None and not is_subject(named["subject"]):
            raise SNSInvalidParameter("Invalid parameter: Subject")
        if len(message.encode()) > _MESSAGE_MAX:
            raise SNSInvalidParameter("Invalid parameter: Message too long")
        if named.get("message_structure") == "json":
            check_structure(message)
        return publish(self, message, arn, *more, **named)

    SNSBackend.publish = publish_checked


def is_subject(text: str) -> bool:
    """Return whether SNS takes a subject (API reference, Publish): printable ASCII that begins with no blank."""
    return text.isascii() and text.isprintable() and text[:1] not in ("", " ")


def check_structure(message: str) -> None:
    """Refuse a message of MessageStructure `json` that is no JSON object with a text under `default`."""
    try:
        structure = json.loads(message)
    except ValueError as error:
        raise SNSInvalidParameter("Invalid parameter: Message Structure - JSON message body failed to parse") from error
    if not isinstance(structure, dict) or not isinstance(structure.get("default"), str):
        raise SNSInvalidParameter("Invalid parameter: Message Structure - No default entry in JSON message body")
