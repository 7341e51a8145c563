"""S3's events with the fields that AWS sends."""

import itertools
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from moto.events import notifications as bucket_notifications
from moto.s3 import notifications

Emit = Callable[[str, str, dict[str, Any], Sequence[str]], None]

_REASONS = {
    "Put": "PutObject",
    "Post": "POST Object",
    "Copy": "CopyObject",
    "CompleteMultipartUpload": "CompleteMultipartUpload",
}
_count = itertools.count()


def sequencer() -> str:
    """Return a hexadecimal text that grows from event to event."""
    return f"{time.time_ns():016X}{next(_count) & 0xFFFF:04X}"


def install(emit: Emit) -> None:
    """Replace moto's event, which has constants for most fields and reaches no function or state machine."""

    def send(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        kind, _, reason = str(getattr(event_name, "value", event_name)).removeprefix("s3:").partition(":")
        if kind != "ObjectCreated":
            return
        item = {"key": key.name, "size": key.size, "etag": key.etag.strip('"'), "sequencer": sequencer()}
        if bucket.is_versioned:
            item["version-id"] = key.version_id
        detail = {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": item,
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": account_id,
            "source-ip-address": "127.0.0.1",
            "reason": _REASONS.get(reason, reason),
        }
        emit("aws.s3", "Object Created", detail, [bucket.arn])

    notifications._send_event_bridge_message = send
    bucket_notifications.send_notification = lambda *_ignored, **_more: None  # AWS sends no such event for CreateBucket
