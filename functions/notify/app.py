"""Notify: send what a run came to, and settle executions that ended without a notice."""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from gristmill.aws_clients import make_bare_client, make_client
from gristmill.batch.jobs import read_queues
from gristmill.catalogue.table import IMPATIENT, Catalogue
from gristmill.cost.gather import CostClients
from gristmill.runs.at_work import invocation
from gristmill.steps.notify.channels.email import Email
from gristmill.steps.notify.notify import NotifyClients, notify
from gristmill.steps.notify.run_ended import EventBus
from gristmill.storage.s3 import S3Storage

logger = Logger()
tracer = Tracer()
metrics = Metrics()
store = S3Storage(os.environ["BUCKET"], make_client("s3"))
catalogue = Catalogue(os.environ["CATALOGUE_TABLE"], make_bare_client("dynamodb", IMPATIENT))
channel = Email(make_client("sns"), os.environ["TOPIC_ARN"])
bus = EventBus(make_bare_client("events", IMPATIENT))
batch = make_client("batch")
states = make_client("stepfunctions")


@metrics.log_metrics
@tracer.capture_lambda_handler
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer the state machine's notice, or an execution's status change."""
    cost = CostClients(states, batch, read_queues(os.environ))
    clients = NotifyClients(
        store, cost, channel, bus, catalogue, store.clock.utc(), invocation(context, logger.service, store.clock.unix)
    )
    answer = notify(clients, event)
    logger.append_keys(run=answer["run"])
    logger.info("notified", extra={"answer": answer, "channel": channel.name})
    metrics.add_metric("NoticesSent", MetricUnit.Count, int(answer["sent"]))
    metrics.add_metric("ReportsMissing", MetricUnit.Count, int(bool(answer.get("unreported"))))
    metrics.add_metric("EventsMissing", MetricUnit.Count, int(bool(answer.get("unpublished"))))
    metrics.add_metric("CatalogueBehind", MetricUnit.Count, int(bool(answer.get("uncatalogued"))))
    return answer
