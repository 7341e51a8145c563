"""Feed: drop the items of a batch, as many as may run at once, and count what has ended."""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from gristmill.aws_clients import make_client
from gristmill.runs.at_work import at_work, check_going, invocation
from gristmill.runs.cursor import Cursor
from gristmill.steps.feed.drops import FeedClients
from gristmill.steps.feed.feed import Look, feed
from gristmill.storage.s3 import S3Storage

logger = Logger()
tracer = Tracer()
metrics = Metrics()
store = S3Storage(os.environ["BUCKET"], make_client("s3"))
clients = FeedClients(store, make_client("stepfunctions"))


@metrics.log_metrics
@tracer.capture_lambda_handler
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a cursor and the looks so far with how the batch stands, and when to look again."""
    cursor = Cursor(event["run"], event["stage"], event["attempt"])
    logger.append_keys(**cursor.as_json())
    look = Look(event.get("looks", 0), event.get("since", store.clock.unix()))
    with at_work(store, cursor.run, invocation(context, logger.service, store.clock.unix)):
        check_going(store, cursor)
        answer = feed(clients, cursor, look)
    logger.info("fed", extra={"answer": answer})
    metrics.add_metric("ItemsFed", MetricUnit.Count, answer["fed"] - event.get("fed", 0))
    return answer
