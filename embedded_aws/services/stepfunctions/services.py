"""Service integrations: the letter case of parameters, clients made once, and `.sync` that waits for events."""

from collections.abc import Callable
from functools import cache
from typing import Any

from botocore.session import get_session
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_aws_sdk,
    state_task_service_batch,
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.utils import boto_client

from embedded_aws.services.cloudformation.resources.base import recase
from embedded_aws.settings import changes
from embedded_aws.settings.clients import client
from embedded_aws.settings.settings import Settings

_LOOK_AGAIN = 1.0  # seconds after which a waiting task looks whether its execution still runs
_MORE_PARAMETERS = {"PropagateTags", "ShareIdentifier", "SchedulingPriorityOverride", "NodeOverrides"}


@cache
def _operation(service: str, action: str) -> Any:
    model = get_session().get_service_model(service)
    (name,) = (name for name in model.operation_names if name.lower() == action.replace("_", "").lower())
    return model.operation_model(name)


def _normalise_parameters(
    self: Any, parameters: dict[str, Any], boto_service_name: str | None = None, service_action_name: str | None = None
) -> None:
    """Bring PascalCase parameters into the case of the service's API; a name that it lacks is an error."""
    action = service_action_name or self.resource.api_action
    shape = _operation(self._get_boto_service_name(boto_service_name), action).input_shape
    recased = recase(dict(parameters), shape)
    parameters.clear()
    parameters.update(recased)


def _normalise_response(
    self: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
) -> None:
    """Bring a response into PascalCase."""
    action = service_action_name or self.resource.api_action
    self._from_boto_response(response, _operation(self._get_boto_service_name(boto_service_name), action).output_shape)


def _eval_sync(self: Any, env: Any, sync_resolver: Callable[[], Any], **_unused: Any) -> Any:
    """Wait for the job without polling: Batch announces every change."""
    while env.is_running():
        seen = changes.batch.sequence()  # taken before the look, so that no change falls between
        result = sync_resolver()
        if result:
            return result
        changes.batch.wait_beyond(seen, _LOOK_AGAIN)
    getattr(sync_resolver, "abandon", lambda: None)()
    return None


def install(settings: Settings) -> None:
    """Apply the patches."""
    build = state_task_service_batch.StateTaskServiceBatch._build_sync_resolver

    def build_sync_resolver(self: Any, env: Any, **named: Any) -> Callable[[], Any]:
        """Remember the job, so that it is ended with its task, as Step Functions tries to."""
        job = env.stack[-1]["JobId"]
        resolver: Callable[[], Any] = build(self, env=env, **named)

        def resolve() -> Any:
            return resolver()

        def abandon() -> None:
            client(settings, "batch").terminate_job(jobId=job, reason="Stopped by Step Functions")

        resolve.abandon = abandon  # type: ignore[attr-defined]
        return resolve

    class Clients:
        """Stands for boto3 where moto makes a client for each call: 4 to 160 ms each."""

        @staticmethod
        def client(service_name: str, **_named: Any) -> Any:
            return client(settings, service_name)

    boto_client.boto3 = Clients
    state_task_service.StateTaskService._normalise_parameters = _normalise_parameters
    state_task_service.StateTaskService._normalise_response = _normalise_response
    state_task_service_callback.StateTaskServiceCallback._eval_sync = _eval_sync
    state_task_service_batch.StateTaskServiceBatch._build_sync_resolver = build_sync_resolver
    state_task_service_aws_sdk._SERVICE_ERROR_NAMES["batch"] = "Batch"  # as AWS names its errors
    state_task_service_batch._SUPPORTED_API_PARAM_BINDINGS["submitjob"] |= _MORE_PARAMETERS
