"""Asynchronous invocations: tried again, then put into the function's dead-letter queue."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from gristmill.local.clients import client
from gristmill.local.events.delivery import queue_url
from gristmill.local.settings import Settings

_WAITS = (1.0, 2.0)  # seconds before the second and third try; AWS waits one and two minutes


def invoke(settings: Settings, function: Any, event: Any, attempt: Callable[[], dict[str, Any] | None]) -> None:
    """Invoke by `attempt`, which returns the error; bury the event where every try fails."""
    error = attempt()
    for wait in _WAITS:
        if error is None:
            return
        time.sleep(wait)
        error = attempt()
    if error is not None:
        _bury(settings, function, event, error)


def _bury(settings: Settings, function: Any, event: Any, error: dict[str, Any]) -> None:
    queue = function.dead_letter_config.get("TargetArn")
    if not queue:
        return
    told = {
        "RequestID": str(uuid.uuid4()),
        "ErrorCode": "200",  # the invocation itself was served
        "ErrorMessage": str(error.get("errorMessage"))[:1024] or "-",
    }
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in told.items()}
    client(settings, "sqs").send_message(
        QueueUrl=queue_url(settings, queue), MessageBody=json.dumps(event), MessageAttributes=attributes
    )
