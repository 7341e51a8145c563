"""The patch point: moto's functions are invoked in our workers, and keep what moto would lose."""

import base64
import json
import resource
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moto.awslambda import models
from moto.awslambda.utils import get_backend
from moto.core.exceptions import JsonRESTError

from gristmill.local.functions import later
from gristmill.local.functions.workers import Build, Gone, Late, Worker, Workshop
from gristmill.local.settings import Settings, as_role

_KEPT = {
    "LoggingConfig": "logging_config",
    "TracingConfig": "tracing_config",
    "DeadLetterConfig": "dead_letter_config",
}

_open: list[tuple[Workshop, ThreadPoolExecutor]] = []
_running: dict[str, int] = {}
_running_lock = threading.Lock()


class TooManyRequests(JsonRESTError):  # type: ignore[misc]
    """Raised when a function has as many invocations under way as it may."""

    code = 429

    def __init__(self) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.")


def install(settings: Settings) -> None:
    """Apply the patches."""
    close()
    workshop = Workshop(settings)
    _open.append((workshop, ThreadPoolExecutor(16, thread_name_prefix="function-event")))
    _keep_settings(workshop)

    def invoke(self: Any, body: str | bytes, request_headers: Any, response_headers: Any) -> str | bytes:
        event = json.loads(body) if body else {}
        kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return ""
        if kind == "Event":
            _open[0][1].submit(later.invoke, settings, self, event, lambda: _try(settings, workshop, self, event))
            return ""
        answer, lines = _invoke(settings, workshop, self, event)
        response_headers["x-amz-log-result"] = base64.b64encode(lines[-4096:].encode()).decode()
        if "error" in answer:
            response_headers["x-amz-function-error"] = "Unhandled"
            return json.dumps(answer["error"]).encode()
        return str(answer["result"]).encode()

    models.LambdaFunction.invoke = invoke


def _try(settings: Settings, workshop: Workshop, function: Any, event: Any) -> dict[str, Any] | None:
    """Invoke once; return the error, None where there was none."""
    try:
        answer, _ = _invoke(settings, workshop, function, event)
    except TooManyRequests as error:
        return {"errorType": "TooManyRequestsException", "errorMessage": str(error)}
    return answer.get("error")


def close() -> None:
    """End all workers."""
    while _open:
        workshop, pool = _open.pop()
        pool.shutdown(wait=False, cancel_futures=True)
        workshop.close()


def _keep_settings(workshop: Workshop) -> None:
    """Let functions keep and show their logging and tracing, and prepare a zygote when one is made."""
    create, update = models.LambdaFunction.__init__, models.LambdaFunction.update_configuration
    show = models.LambdaFunction.get_configuration

    def create_whole(self: Any, account_id: str, spec: dict[str, Any], region: str, version: Any = 1) -> None:
        create(self, account_id, spec, region, version)
        self.dead_letter_config = spec.get("DeadLetterConfig") or {}
        self.logging_config = spec.get("LoggingConfig") or {"LogGroup": self.logs_group_name, "LogFormat": "Text"}
        threading.Thread(target=workshop.zygote, args=(_layers(workshop, self),), daemon=True).start()

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


def _layers(workshop: Workshop, function: Any) -> tuple[str, ...]:
    backend = get_backend(function.account_id, function.region)
    folders: list[str] = []
    for one in function.layers:
        version = backend.layers_versions_by_arn(one["Arn"])
        folder = workshop.unpack(version.code_sha_256, version.code_bytes)
        folders += [str(folder / "python"), str(folder)]
    return tuple(folders)


def _build(settings: Settings, workshop: Workshop, function: Any) -> Build:
    folder = workshop.unpack(function.code_sha_256, function.code_bytes)
    environment = {
        **settings.process_environment(),
        **as_role(function.role),
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logging_config["LogGroup"],
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "LAMBDA_TASK_ROOT": str(folder),
        "_HANDLER": function.handler,
        "POWERTOOLS_TRACE_DISABLED": "true",  # nobody listens to traces on a laptop
        "AWS_XRAY_SDK_ENABLED": "false",
        "TZ": ":UTC",
        **{name: value for name, value in function.environment_vars.items() if not _would_hide(name, value)},
    }
    layers = _layers(workshop, function)
    return Build(function.function_name, function.handler, str(folder), layers, tuple(sorted(environment.items())))


def _would_hide(name: str, value: str) -> bool:
    """Tell an empty variable that would hide the laptop's own search path for pipelines."""
    return name == "GRISTMILL_PIPELINES" and value == ""


def _invoke(settings: Settings, workshop: Workshop, function: Any, event: Any) -> tuple[dict[str, Any], str]:
    """Invoke once; return the answer and the log."""
    name, most = function.function_name, function.reserved_concurrency
    with _running_lock:
        if most is not None and _running.get(name, 0) >= int(most):
            raise TooManyRequests
        _running[name] = _running.get(name, 0) + 1
    try:
        return _invoke_in_worker(settings, workshop, function, event)
    finally:
        with _running_lock:
            _running[name] -= 1


def _invoke_in_worker(settings: Settings, workshop: Workshop, function: Any, event: Any) -> tuple[dict[str, Any], str]:
    request, begin = str(uuid.uuid4()), time.monotonic()
    build = _build(settings, workshop, function)
    worker = workshop.take(build)
    answer: dict[str, Any]
    try:
        if worker.broken is not None:
            raise Gone
        answer = worker.ask(
            {"event": event, "seconds": float(function.timeout), "context": _context(function, request, worker)}
        )
    except Late:
        message = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {request} Task timed out after"
        answer = {
            "error": {
                "errorMessage": f"{message} {float(function.timeout):.2f} seconds",
                "errorType": "Sandbox.Timedout",
            }
        }
    except Gone:
        message = f"RequestId: {request} Error: Runtime exited without providing a reason"
        answer = {"error": worker.broken or {"errorMessage": message, "errorType": "Runtime.ExitError"}}
    lines = _write_log(function, worker, request, time.monotonic() - begin)
    if answer.get("error", {}).get("errorType") in ("Sandbox.Timedout", "Runtime.ExitError") or worker.broken:
        workshop.drop(worker)
    else:
        workshop.give_back(build, worker)
    return answer, lines


def _context(function: Any, request: str, worker: Worker) -> dict[str, Any]:
    return {
        "aws_request_id": request,
        "function_name": function.function_name,
        "function_version": "$LATEST",
        "invoked_function_arn": function.function_arn,
        "memory_limit_in_mb": function.memory_size,
        "log_group_name": function.logging_config["LogGroup"],
        "log_stream_name": worker.stream,
    }


def _write_log(function: Any, worker: Worker, request: str, seconds: float) -> str:
    """Append START, the output, END and REPORT to the worker's log stream; return them."""
    spent = seconds * 1000
    text = (
        f"START RequestId: {request} Version: $LATEST\n{worker.output().rstrip()}\nEND RequestId: {request}\n"
        f"REPORT RequestId: {request}\tDuration: {spent:.2f} ms\tBilled Duration: {int(spent) + 1} ms\t"
        f"Memory Size: {function.memory_size} MB\tMax Memory Used: {_peak_mib()} MB"
    )
    group, now = function.logging_config["LogGroup"], int(time.time() * 1000)
    logs = function.logs_backend
    if group not in logs.groups:
        logs.create_log_group(group, {})
    if worker.is_fresh:
        logs.create_log_stream(group, worker.stream)
        worker.is_fresh = False
    logs.put_log_events(group, worker.stream, [{"timestamp": now, "message": line} for line in text.splitlines()])
    return text


def _peak_mib() -> int:
    """Return the largest memory of any process that has ended, in MiB: the nearest that a parent can know."""
    scale = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // scale
