"""JobMap: which tasks lack an output, and the Batch jobs that make them."""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from gristmill.aws_clients import make_client
from gristmill.batch.lanes import read_lanes
from gristmill.runs.at_work import at_work, check_going, invocation
from gristmill.runs.cursor import Cursor
from gristmill.steps.job_map.job_map import job_map
from gristmill.storage.s3 import S3Storage

logger = Logger()
tracer = Tracer()
metrics = Metrics()
store = S3Storage(os.environ["BUCKET"], make_client("s3"))
lanes = read_lanes(os.environ["LANES"])


@metrics.log_metrics
@tracer.capture_lambda_handler
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a cursor with the groups of each branch."""
    cursor = Cursor(**event)
    logger.append_keys(**cursor.as_json())
    with at_work(store, cursor.run, invocation(context, logger.service, store.clock.unix)):
        check_going(store, cursor)
        answer = job_map(store, lanes, cursor)
    children = sum(group["size"] for branch in answer["arrays"] for group in branch["groups"])
    logger.info("mapped", extra={"children": children})
    metrics.add_metric("ChildrenPlanned", MetricUnit.Count, children)
    return answer
