"""The patch point: moto's Batch endpoint answers with our operations."""

import json
from collections.abc import Callable
from typing import Any

from moto.batch.exceptions import ClientException
from moto.batch.responses import BatchResponse

from gristmill.local.batch.api import Api, Refusal
from gristmill.local.batch.engine import Engine
from gristmill.local.settings import Settings

_OPERATIONS = (
    "create_compute_environment",
    "describe_compute_environments",
    "update_compute_environment",
    "delete_compute_environment",
    "create_job_queue",
    "describe_job_queues",
    "update_job_queue",
    "delete_job_queue",
    "register_job_definition",
    "deregister_job_definition",
    "describe_job_definitions",
    "submit_job",
    "describe_jobs",
    "list_jobs",
    "terminate_job",
    "cancel_job",
)
_engines: list[Engine] = []


def install(settings: Settings) -> None:
    """Replace the operations."""
    close()
    engine = Engine(settings)
    _engines.append(engine)
    api = Api(engine)
    for name in _OPERATIONS:
        setattr(BatchResponse, name.replace("_", ""), _answer(getattr(api, name)))


def _answer(operation: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], str]:
    def answer(self: Any) -> str:
        try:
            return json.dumps(operation(json.loads(self.body or "{}")))
        except Refusal as refusal:
            raise ClientException(str(refusal)) from refusal

    return answer


def close() -> None:
    """End all jobs."""
    while _engines:
        _engines.pop().close()
