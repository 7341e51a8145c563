"""Merge: a complete branch becomes one object; an incomplete one is left alone."""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from gristmill.aws_clients import make_client
from gristmill.runs.at_work import at_work, check_going, invocation
from gristmill.runs.cursor import Cursor
from gristmill.steps.merge.merge import merge
from gristmill.storage.s3 import S3Storage

logger = Logger()
tracer = Tracer()
metrics = Metrics()
store = S3Storage(os.environ["BUCKET"], make_client("s3"))


@metrics.log_metrics
@tracer.capture_lambda_handler
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a cursor and a branch with what became of the branch."""
    cursor = Cursor(event["run"], event["stage"], event["attempt"])
    logger.append_keys(**cursor.as_json(), branch=event["branch"])
    with at_work(store, cursor.run, invocation(context, logger.service, store.clock.unix)):
        check_going(store, cursor)
        answer = merge(store, cursor, event["branch"])
    logger.info("merge", extra={"answer": answer})
    metrics.add_metric("BranchesMerged", MetricUnit.Count, int(answer["merged"]))
    return answer
