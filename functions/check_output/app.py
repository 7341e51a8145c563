"""CheckOutput: is everything of the stage there, complete and counted?"""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from gristmill.aws_clients import make_client
from gristmill.batch.jobs import read_queues
from gristmill.runs.at_work import at_work, check_going, invocation
from gristmill.runs.cursor import Cursor
from gristmill.steps.check_output.causes import CauseClients, submit_failures
from gristmill.steps.check_output.check_output import check_output
from gristmill.storage.s3 import S3Storage

logger = Logger()
tracer = Tracer()
metrics = Metrics()
store = S3Storage(os.environ["BUCKET"], make_client("s3"))
clients = CauseClients(make_client("batch"), make_client("logs"), read_queues(os.environ), os.environ["JOB_LOG_GROUP"])


@metrics.log_metrics
@tracer.capture_lambda_handler
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a cursor, and what Batch refused to do, with the verdict and the next cursor."""
    cursor = Cursor(event["run"], event["stage"], event["attempt"])
    logger.append_keys(**cursor.as_json())
    with at_work(store, cursor.run, invocation(context, logger.service, store.clock.unix)):
        check_going(store, cursor)
        answer = check_output(store, clients, cursor, submit_failures(event["refused"], cursor, store.clock.utc()))
    logger.info("checked", extra={"answer": answer})
    metrics.add_metric(f"Stages{answer['verdict'].capitalize()}", MetricUnit.Count, 1)
    return answer
