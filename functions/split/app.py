"""Split: claim the run, check the drop, freeze the pipeline, index the chunks."""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from gristmill.aws_clients import make_client
from gristmill.enums import Compute
from gristmill.pipeline.loading import roots
from gristmill.runs.at_work import at_work, invocation
from gristmill.runs.request import read_request
from gristmill.steps.split.claim import Claimant, RunLimits
from gristmill.steps.split.split import split
from gristmill.storage.s3 import S3Storage

logger = Logger()
tracer = Tracer()
metrics = Metrics()
store = S3Storage(os.environ["BUCKET"], make_client("s3"))
max_vcpus = {Compute.CPU: float(os.environ["MAX_VCPUS"]), Compute.GPU: float(os.environ["MAX_GPU_VCPUS"])}
limits = RunLimits(max_vcpus, float(os.environ["MAX_COST"]))


@metrics.log_metrics
@tracer.capture_lambda_handler
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer `{"event": <execution input>, "execution": <ARN>}` with a verdict and the first cursor."""
    logger.append_keys(execution=event["execution"])
    claimant = Claimant(event["execution"], store.clock.utc(), roots(os.environ), limits)
    request = read_request(event["event"], store.bucket)
    with at_work(store, request.run, invocation(context, logger.service, store.clock.unix)):
        answer = split(store, request, claimant)
    logger.append_keys(run=answer["run"])
    logger.info("split", extra={"answer": answer})
    metrics.add_metric(f"Split{answer['verdict'].capitalize()}", MetricUnit.Count, 1)
    return answer
