"""Asynchronous invocations: tried again, then put into the function's dead-letter queue."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from embedded_aws.services.events.delivery import queue_url
from embedded_aws.settings.clients import client
from embedded_aws.settings.settings import Settings

_WAITS = (1.0, 2.0)  # seconds before the second and third try; AWS waits one and two minutes
# where the function is not to blame AWS tries for six hours: throttling, and what was lost with a host
_NO_FAULT = ("TooManyRequestsException", "ServiceException")
_WAITS_WITHOUT_FAULT = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0)  # seconds


def invoke(settings: Settings, function: Any, event: Any, attempt: Callable[[], dict[str, Any] | None]) -> None:
    """Invoke by `attempt`, which returns the error; bury the event where every try fails."""
    own, others = iter(_WAITS), iter(_WAITS_WITHOUT_FAULT)
    while (error := attempt()) is not None:
        wait = next(others if error["errorType"] in _NO_FAULT else own, None)
        if wait is None:
            return _bury(settings, function, event, error)
        time.sleep(wait)
    return None


def _bury(settings: Settings, function: Any, event: Any, error: dict[str, Any]) -> None:
    queue = function.dead_letter_config.get("TargetArn")
    if not queue:
        return
    texts = {
        "RequestID": str(uuid.uuid4()),
        "ErrorCode": "200",  # the invocation itself was served
        "ErrorMessage": str(error.get("errorMessage"))[:1024] or "-",
    }
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in texts.items()}
    client(settings, "sqs").send_message(
        QueueUrl=queue_url(settings, queue), MessageBody=json.dumps(event), MessageAttributes=attributes
    )
