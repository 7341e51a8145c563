"""The patch point: moto's functions are invoked in our workers, and keep what moto would lose."""

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moto.awslambda import models

from embedded_aws.services.awslambda import later, package
from embedded_aws.services.awslambda.invoking import ServiceFault, TooManyRequests, invoke_once, layers_of
from embedded_aws.services.awslambda.workshop import Workshop
from embedded_aws.settings.settings import Settings

_KEPT = {
    "LoggingConfig": "logging_config",
    "TracingConfig": "tracing_config",
    "DeadLetterConfig": "dead_letter_config",
}

_AT_ONCE = 16  # asynchronous invocations of a function

_open: list[tuple[Workshop, dict[str, ThreadPoolExecutor]]] = []
_pools_lock = threading.Lock()


def install(settings: Settings) -> None:
    """Apply the patches."""
    close()
    workshop = Workshop(settings)
    _open.append((workshop, {}))
    package.install()
    _keep_settings(workshop)
    _end_deleted(workshop)

    def invoke(self: Any, body: str | bytes, request_headers: Any, response_headers: Any) -> str | bytes:
        event = json.loads(body) if body else {}
        kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return ""
        if kind == "Event":
            pool = _pool_of(self.function_arn)
            pool.submit(later.invoke, settings, self, event, lambda: _try(settings, workshop, self, event))
            return ""
        answer, lines = invoke_once(settings, workshop, self, event)
        response_headers["x-amz-log-result"] = base64.b64encode(lines[-4096:].encode()).decode()
        if "error" in answer:
            response_headers["x-amz-function-error"] = "Unhandled"
            return json.dumps(answer["error"]).encode()
        return str(answer["result"]).encode()

    models.LambdaFunction.invoke = invoke


def _pool_of(function: str) -> ThreadPoolExecutor:
    """Return the threads that wait for a function's events; a slow function holds up no other's."""
    with _pools_lock:
        pools = _open[0][1]
        if function not in pools:
            pools[function] = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="function-event")
        return pools[function]


def _end_pool(function: str) -> None:
    """Let the threads of a deleted function go once its events are done."""
    with _pools_lock:
        pool = _open[0][1].pop(function, None)
    if pool is not None:
        pool.shutdown(wait=False)


def _try(settings: Settings, workshop: Workshop, function: Any, event: Any) -> dict[str, Any] | None:
    """Invoke once; return the error, None where there was none."""
    try:
        answer, _ = invoke_once(settings, workshop, function, event)
    except (ServiceFault, TooManyRequests) as error:
        return {"errorType": error.error_type, "errorMessage": error.message}
    return answer.get("error")


def close() -> None:
    """End all workers."""
    while _open:
        workshop, pools = _open.pop()
        for pool in pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        workshop.close()


def _end_deleted(workshop: Workshop) -> None:
    """Let the workers of a deleted function end with it."""
    delete = models.LambdaStorage.del_function

    def delete_whole(self: Any, name_or_arn: str, qualifier: str | None = None) -> None:
        function = self.get_function_by_name_or_arn_with_qualifier(name_or_arn, qualifier)
        delete(self, name_or_arn, qualifier)
        function.is_deleted = True
        _end_pool(function.function_arn)
        workshop.retire(function.function_name)

    models.LambdaStorage.del_function = delete_whole


def _keep_settings(workshop: Workshop) -> None:
    """Let functions keep and show their logging and tracing, and prepare a zygote when one is made."""
    create, update = models.LambdaFunction.__init__, models.LambdaFunction.update_configuration
    show = models.LambdaFunction.get_configuration

    def create_whole(self: Any, account_id: str, spec: dict[str, Any], region: str, version: Any = 1) -> None:
        create(self, account_id, spec, region, version)
        self.dead_letter_config = spec.get("DeadLetterConfig") or {}
        self.logging_config = spec.get("LoggingConfig") or {"LogGroup": self.logs_group_name, "LogFormat": "Text"}
        threading.Thread(target=workshop.zygote, args=(layers_of(workshop, self),), daemon=True).start()

    def update_whole(self: Any, updates: dict[str, Any]) -> Any:
        for key, name in _KEPT.items():
            if key in updates:
                setattr(self, name, updates[key])
        if "EphemeralStorage" in updates:
            self.ephemeral_storage = updates["EphemeralStorage"]["Size"]
        return update(self, updates)

    def show_whole(self: Any, on_create: bool = False) -> Any:
        kept = {"LoggingConfig": self.logging_config, "DeadLetterConfig": self.dead_letter_config}
        return {**show(self, on_create), **{key: value for key, value in kept.items() if value}}

    models.LambdaFunction.__init__ = create_whole
    models.LambdaFunction.update_configuration = update_whole
    models.LambdaFunction.get_configuration = show_whole
