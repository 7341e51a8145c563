"""One invocation: a worker of the function's build, its answer or how it failed, its log."""

import resource
import sys
import threading
import time
import uuid
from typing import Any

from moto.awslambda.utils import get_backend
from moto.core.exceptions import JsonRESTError

from embedded_aws.services.awslambda.workers import EXITED, Build, Gone, Late, Untaken, Worker, failure
from embedded_aws.services.awslambda.workshop import Workshop
from embedded_aws.settings.settings import Settings

_TRIES = 3
_running: dict[str, int] = {}
_running_lock = threading.Lock()


class ServiceFault(JsonRESTError):  # type: ignore[misc]
    """Raised when an invocation was lost by no fault of the function's: whoever invokes may try again."""

    code = 500

    def __init__(self, message: str) -> None:
        super().__init__("ServiceException", message)


class TooManyRequests(JsonRESTError):  # type: ignore[misc]
    """Raised when a function has as many invocations under way as it may."""

    code = 429

    def __init__(self) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.")


def layers_of(workshop: Workshop, function: Any) -> tuple[str, ...]:
    """Return the folders that a function's layers put on its path."""
    backend = get_backend(function.account_id, function.region)
    folders: list[str] = []
    for layer in function.layers:
        version = backend.layers_versions_by_arn(layer["Arn"])
        folder = workshop.unpack(version.code_sha_256, version.code_bytes)
        folders += [str(folder / "python"), str(folder)]
    return tuple(folders)


def _build(settings: Settings, workshop: Workshop, function: Any) -> Build:
    folder = workshop.unpack(function.code_sha_256, function.code_bytes)
    own = dict(function.environment_vars)
    if not own.get(search_path := settings.application.search_path):
        own.pop(search_path, None)  # an empty one would hide this machine's
    environment = {
        **settings.process_environment(function.role),
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
        **own,
    }
    layers = layers_of(workshop, function)
    return Build(function.function_name, function.handler, str(folder), layers, tuple(sorted(environment.items())))


def invoke_once(settings: Settings, workshop: Workshop, function: Any, event: Any) -> tuple[dict[str, Any], str]:
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
    for _ in range(_TRIES):
        try:
            return _try_in_worker(settings, workshop, function, event)
        except Untaken:
            continue
        except OSError as error:
            raise ServiceFault(str(error)) from error
    raise ServiceFault("workers died again and again before they took the invocation")


def _try_in_worker(settings: Settings, workshop: Workshop, function: Any, event: Any) -> tuple[dict[str, Any], str]:
    """Invoke in the next worker; Untaken where it died before the handler began."""
    request, begin = str(uuid.uuid4()), time.monotonic()
    build = _build(settings, workshop, function)
    worker = workshop.take(build)
    is_usable = False
    try:
        answer, is_usable = _ask(worker, function, request, event)
        return answer, _write_log(function, worker, request, time.monotonic() - begin)
    finally:
        if is_usable and not getattr(function, "is_deleted", False):
            workshop.give_back(build, worker)
        else:
            workshop.drop(worker)


def _ask(worker: Worker, function: Any, request: str, event: Any) -> tuple[dict[str, Any], bool]:
    """Return the answer, and whether the worker can take another invocation."""
    if worker.broken is not None:
        return {"error": worker.broken}, False
    seconds = float(function.timeout)
    try:
        context = _context(function, request, worker)
        return worker.ask({"event": event, "seconds": seconds, "context": context}), True
    except Late:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        late = f"{at} {request} Task timed out after {seconds:.2f} seconds"
        return {"error": failure("Sandbox.Timedout", late)}, False
    except Gone as error:
        if worker.was_killed():
            raise ServiceFault(f"RequestId: {request} The environment of the function was lost") from error
        return {"error": failure("Runtime.ExitError", f"RequestId: {request} Error: {EXITED}")}, False


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
