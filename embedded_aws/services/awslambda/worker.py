"""The zygote's role for functions: be a worker that answers one invocation after the other.

Run by its path, apart from the package: the function's own layers come first on the path. Its files are the worker's
socket and its log.
"""

import importlib
import json
import os
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import IO, Any

HEAVY = ("boto3", "pydantic", "yaml", "aws_lambda_powertools", "aws_lambda_powertools.utilities.data_classes")
SERVICES = ("s3", "batch", "logs", "sns")


class Context:
    """The context that a handler gets of its invocation."""

    def __init__(self, facts: dict[str, Any], deadline: float) -> None:
        self._deadline = deadline
        self.__dict__.update(facts)
        self.identity = self.client_context = None

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left of the function's timeout."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def be(request: dict[str, Any], files: list[int]) -> None:
    """Load the handler, then answer invocations until the server is gone."""
    connection, log = files
    for standard in (1, 2):
        os.dup2(log, standard)
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None  # TMPDIR has changed
    os.chdir(request["folder"])
    sys.path.insert(0, request["folder"])
    stream = socket.socket(fileno=connection)
    lines = stream.makefile("rw", encoding="utf-8")
    tell(lines, load(request["handler"]))
    for line in lines:
        tell(lines, {"taken": True})  # from here on the handler may have begun
        tell(lines, answer(json.loads(line)))
    os._exit(0)


HANDLER: list[Callable[[Any, Context], Any]] = []


def load(handler: str) -> dict[str, Any]:
    """Import the handler; return the error if that fails, as Lambda words it."""
    module, _, name = handler.rpartition(".")
    try:
        HANDLER.append(getattr(importlib.import_module(module.replace("/", ".")), name))
    except AttributeError:
        return failure("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'", [])
    except ImportError as error:
        return failure("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}", stack(error))
    except Exception as error:  # noqa: BLE001 - a module may raise anything as it is imported
        return failure(type(error).__name__, str(error), stack(error))
    return {}


def answer(call: dict[str, Any]) -> dict[str, Any]:
    """Invoke the handler once."""
    context = Context(call["context"], time.monotonic() + call["seconds"])
    try:
        result = HANDLER[0](call["event"], context)
    except Exception as error:  # noqa: BLE001 - and so may a handler
        traceback.print_exc()
        return failure(type(error).__name__, str(error), stack(error))
    except SystemExit as error:
        return failure("Runtime.ExitError", f"The handler exited with {error.code}", [])
    try:
        return {"result": json.dumps(result)}
    except (TypeError, ValueError) as error:
        return failure("Runtime.MarshalError", f"Unable to marshal response: {error}", [])


def failure(kind: str, message: str, trace: list[str]) -> dict[str, Any]:
    """Return an error as Lambda tells it."""
    return {"error": {"errorMessage": message, "errorType": kind, "stackTrace": trace}}


def stack(error: BaseException) -> list[str]:
    """Return the handler's own frames."""
    return traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])


def tell(lines: IO[str], answer: dict[str, Any]) -> None:
    """Send one answer, behind all that was printed before it."""
    sys.stdout.flush()
    sys.stderr.flush()
    lines.write(json.dumps(answer) + "\n")
    lines.flush()
