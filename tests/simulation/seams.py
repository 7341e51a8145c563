"""Where the simulation takes the place of the world: clients, clock, threads, and what is dear and without effect."""

import functools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from unittest import mock

from botocore.exceptions import BotoCoreError, ClientError

import gristmill.report.write
import gristmill.runs.reading
import gristmill.runs.usage
import gristmill.steps.merge.merge
import gristmill.steps.split.claim
import gristmill.storage.compose
import gristmill.storage.s3
import gristmill.worker.child.job
import gristmill.worker.child.runner
from gristmill.clock import Clock
from gristmill.enums import LaneName
from gristmill.pipeline.loading import SEARCH_PATH
from gristmill.storage.s3 import S3Storage
from gristmill.timebox import NoAnswer
from tests.project import PROJECT
from tests.simulation.batch import QUEUE
from tests.simulation.bucket import BUCKET

if TYPE_CHECKING:
    from tests.simulation.world import World

_PARSED_MAX = 2_000
PART_MIN = 48  # bytes: S3's 5 MiB, so that small results are copied by S3 in parts too
_LANE = {"queue": QUEUE, "definition": "definition", "max_vcpus": 3.0}
ENVIRONMENT = {
    "BUCKET": BUCKET,
    "LANES": json.dumps({str(name): _LANE for name in LaneName}),
    "QUEUES": QUEUE,
    "MAX_VCPUS": "3",
    "MAX_GPU_VCPUS": "0",
    "MAX_COST": "0",
    "JOB_LOG_GROUP": "jobs",
    "TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:gristmill",
    SEARCH_PATH: str(PROJECT / "tests" / "simulation" / "pipelines"),
}
Item = TypeVar("Item")
Result = TypeVar("Result")
_worlds: list["World"] = []  # the one that goes on is the last


def world() -> "World":
    """Return the world whose history goes on."""
    return _worlds[-1]


class Client:
    """Stands for any client of boto3: whichever world goes on answers."""

    def __init__(self, service: str, *_more: Any, **_settings: Any) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        return getattr(world().clients[self._service], name)


def _unix() -> float:
    task = world().kernel.current
    return world().kernel.now + (task.process.skew if task else 0.0)


def _call_with_timeout(seconds: float, work: Callable[[], Result]) -> Result:
    """Do as the real one: after the timeout, `work` goes on as long as its process does."""
    kernel = world().kernel
    if kernel.current is None:
        return work()
    task = kernel.spawn(kernel.current.process, work)
    if not kernel.wait(task, seconds):
        raise NoAnswer(f"it took more than {seconds:g} s")
    if isinstance(task.error, BotoCoreError | ClientError):
        raise NoAnswer(str(task.error))
    if task.error is not None:
        raise task.error
    result: Result = task.result
    return result


CLOCK = Clock(
    now=lambda: world().kernel.now,
    sleep=lambda seconds: world().kernel.sleep(seconds),
    uniform=lambda low, high: world().kernel.random.uniform(low, high),
    unix=_unix,
    call_with_timeout=_call_with_timeout,
)


def one_after_another(work: Callable[[Item], Result], items: Iterable[Item], threads: int = 1) -> list[Result]:
    return [work(item) for item in items]


def simulate(store: S3Storage) -> S3Storage:
    store.clock, store.together = CLOCK, one_after_another
    return store


STORE = simulate(S3Storage(BUCKET, Client("s3")))


class NoState:
    """Stands for the state of a child's process: jobs of the simulation change nothing of it."""

    def close(self) -> None: ...

    def restore(self) -> None: ...


@contextmanager
def at_work(simulated: "World") -> Iterator[None]:
    """Put a world in the place of the real one."""
    runner = gristmill.worker.child.runner
    swaps: list[tuple[Any, str, Any]] = [
        (gristmill.storage.compose, "S3_PART_MIN", PART_MIN),
        (gristmill.storage.s3, "_READ_AHEAD", 4096),
        (gristmill.runs.reading, "_parse", _parse),
        (gristmill.steps.split.claim, "load", _load),
        (gristmill.worker.child.job, "load_callable", _load_callable),
        (gristmill.runs.usage, "software", _software),
        (gristmill.report.write, "page", lambda _report, _embedded: "<html>"),
        (gristmill.report.write.logger, "disabled", True),
        (gristmill.runs.reading.logger, "disabled", True),
        (gristmill.steps.merge.merge.logger, "disabled", True),
        (runner, "already_there", list),
        (runner, "end_detached", lambda _spared: None),
        (runner, "ProcessState", NoState),
    ]
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, ENVIRONMENT))
        for module, name, value in swaps:
            stack.enter_context(mock.patch.object(module, name, value))
        _worlds.append(simulated)
        try:
            yield
        finally:
            _worlds.pop()


def _kept(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is asked once for each of its arguments' texts: it is pure, and dear."""
    found: dict[str, Any] = {}

    @functools.wraps(function)
    def ask(*given: Any) -> Any:
        key = repr(given)
        if key not in found:
            found[key] = function(*given)
        return found[key]

    return ask


_parse_anew, _parsed = gristmill.runs.reading._parse, dict[tuple[type, bytes], Any]()


def _parse(kind: type, key: str, raw: bytes) -> Any:
    """Parse the same bytes once: records are immutable."""
    if (kind, raw) not in _parsed:
        if len(_parsed) > _PARSED_MAX:
            _parsed.clear()
        _parsed[kind, raw] = _parse_anew(kind, key, raw)
    return _parsed[kind, raw]


def parse(kind: type, raw: bytes) -> Any:
    """Return a record of these bytes, for laws."""
    return _parse(kind, "", raw)


_load = _kept(gristmill.steps.split.claim.load)
_load_callable = _kept(gristmill.worker.child.job.load_callable)
_software = _kept(gristmill.runs.usage.software)
