"""Webhook: post the notices of runs to a URL, signed."""

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from gristmill.aws_clients import make_client
from gristmill.steps.notify.channels.webhook import Webhook, deliver

logger = Logger()
tracer = Tracer(patch_modules=["botocore"])  # not HTTP: traces would show the URL, which is a secret of chats
ssm = make_client("ssm")


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Post the notice that SNS delivers; what it raises is tried again by Lambda."""
    posted = deliver(ssm, os.environ["WEBHOOK_PARAMETER"], event, datetime.now(UTC))
    logger.info("posted", extra={"posted": posted, "channel": Webhook.name})
    return posted
