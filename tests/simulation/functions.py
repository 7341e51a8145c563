"""Lambda: the project's own handlers, invoked on virtual time; each may die, be slow, be late, or be asked twice."""

import importlib.util
import inspect
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from math import inf
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

from gristmill import aws_clients
from tests.project import PROJECT
from tests.simulation.facts import Answered, Asked
from tests.simulation.kernel import Process, Task
from tests.simulation.seams import ENVIRONMENT, Client, simulate

if TYPE_CHECKING:
    from tests.simulation.executions import Execution
    from tests.simulation.world import World

NAMES = ("split", "job_map", "merge", "check_output", "notify")
_LIMITS = {"notify": 110.0}  # seconds, as the template has them
_LIMIT = 900.0
_START = 0.2  # seconds, on average
_LAST_CALL = 30  # a crash comes at any of a function's first calls


@cache
def handlers() -> dict[str, Callable[[Any, Any], Any]]:
    """Return the functions' handlers without what Powertools puts around them, their clients replaced."""
    return {name: _handler(name) for name in NAMES}


def _handler(name: str) -> Callable[[Any, Any], Any]:
    spec = importlib.util.spec_from_file_location(f"simulated_{name}", PROJECT / "functions" / name / "app.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    powertools = {"POWERTOOLS_TRACE_DISABLED": "1", "POWERTOOLS_SERVICE_NAME": name, "POWERTOOLS_LOG_LEVEL": "CRITICAL"}
    settings = {**ENVIRONMENT, **powertools, "POWERTOOLS_METRICS_NAMESPACE": "simulation"}
    with mock.patch.dict(os.environ, settings), _all_clients():
        spec.loader.exec_module(module)
    simulate(module.store)
    module.logger.disabled = True
    module.metrics = SimpleNamespace(add_metric=lambda *_what: None)
    handler: Callable[[Any, Any], Any] = inspect.unwrap(module.handler)
    return handler


@contextmanager
def _all_clients() -> Iterator[None]:
    with (
        mock.patch.object(aws_clients, "make_client", Client),
        mock.patch.object(aws_clients, "make_bare_client", Client),
    ):
        yield


@dataclass
class Invocation:
    """One invocation: what it answered or raised, once its task has ended; neither where it died."""

    process: Process
    task: Task
    answer: Any = None
    error: Exception | None = None
    is_answered: bool = False


class Functions:
    """The service."""

    def __init__(self, world: "World") -> None:
        self._world, self._kernel = world, world.kernel
        self.invocations: list[Invocation] = []

    def start(self, name: str, payload: Any, execution: "Execution", label: str = "") -> Invocation:
        """Begin an invocation; it goes on whatever becomes of its caller."""
        kernel, trouble = self._kernel, self._world.trouble
        process = self._world.process(f"{execution.label}.{label or name}", "function", execution.run, execution.arn)
        if kernel.chance(trouble.of("crashes")):
            process.fate = kernel.random.randint(1, _LAST_CALL)
        limit, request = _LIMITS.get(name, _LIMIT), f"r{kernel.number()}"
        until = inf

        def left() -> float:
            return 1000 * (until - kernel.now)

        context = SimpleNamespace(aws_request_id=request, get_remaining_time_in_millis=left)

        def work() -> None:
            nonlocal until
            until = kernel.now + limit
            kernel.spawn(Process("Lambda", "service"), lambda: self._end(process, name), limit)
            self._world.note(Asked(name, payload))
            try:
                answer = handlers()[name](payload, context)
            except Exception as error:  # noqa: BLE001 - Lambda answers whatever a handler raises
                kernel.log(f"raises {type(error).__name__}: {error}")
                invocation.error = error
            else:
                invocation.answer, invocation.is_answered = json.loads(json.dumps(answer)), True
                kernel.log(f"answers {invocation.answer}")
                self._world.note(Answered(name, payload, invocation.answer))
            finally:
                if name == "notify" and (not invocation.is_answered or invocation.answer.get("uncatalogued")):
                    self._world.memory.unentered.add(execution.arn)
                if name == "notify" and not invocation.is_answered:  # it may have sent its notice all the same
                    self._world.mail.excuse(execution.arn)
            process.is_dead = True  # its environment is frozen, whatever threads it has left

        task = kernel.spawn(process, work, kernel.soon(_START) * min(process.slow, 100))
        invocation = Invocation(process, task)
        self.invocations.append(invocation)
        return invocation

    def _end(self, process: Process, name: str) -> None:
        if not process.is_dead:
            self._kernel.log(f"{process.name} ran out of time")
            self._kernel.kill(process)
