"""Split: claim the run, check the drop, freeze the pipeline, index the chunks."""

import os
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from gristmill.aws_clients import make_bare_client, make_client
from gristmill.batch.definitions import find_definitions
from gristmill.batch.lanes import read_lanes
from gristmill.catalogue.table import IMPATIENT, Catalogue
from gristmill.enums import Compute
from gristmill.pipeline.loading import roots
from gristmill.runs.at_work import at_work, invocation
from gristmill.runs.records import RunRecord
from gristmill.runs.request import read_request
from gristmill.steps.split.claimant import Claimant, RunLimits
from gristmill.steps.split.enter import entry_of
from gristmill.steps.split.split import split
from gristmill.storage.s3 import S3Storage

logger = Logger()
tracer = Tracer()
metrics = Metrics()
store = S3Storage(os.environ["BUCKET"], make_client("s3"))
catalogue = Catalogue(os.environ["CATALOGUE_TABLE"], make_bare_client("dynamodb", IMPATIENT))
max_vcpus = {Compute.CPU: float(os.environ["MAX_VCPUS"]), Compute.GPU: float(os.environ["MAX_GPU_VCPUS"])}
lanes = read_lanes(os.environ["LANES"])
definitions = partial(find_definitions, make_client("batch"), lanes)
limits = RunLimits(max_vcpus, float(os.environ["MAX_COST"]), int(os.environ["MAX_MEMORY"]))


@metrics.log_metrics
@tracer.capture_lambda_handler
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer `{"event": <execution input>, "execution": <ARN>}` with a verdict and the first cursor."""
    logger.append_keys(execution=event["execution"])
    claimant = Claimant(event["execution"], store.clock.utc(), roots(os.environ), limits, definitions)
    request = read_request(event["event"], store.bucket)
    with at_work(store, request.run, invocation(context, logger.service, store.clock.unix)):
        answer = split(store, request, claimant, enter)
    logger.append_keys(run=answer["run"])
    logger.info("split", extra={"answer": answer})
    metrics.add_metric(f"Split{answer['verdict'].capitalize()}", MetricUnit.Count, 1)
    return answer


def enter(record: RunRecord) -> None:
    """Enter a run into the catalogue; where that fails, it goes on, and its end is entered."""
    why_not = catalogue.note(entry_of(store, record, store.clock.utc()))
    if why_not:
        logger.warning("not entered into the catalogue", extra={"run": record.run, "why": why_not})
    metrics.add_metric("CatalogueBehind", MetricUnit.Count, int(bool(why_not)))
