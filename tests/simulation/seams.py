"""What stands for the world in a simulation: clients, clock, threads, and records that are parsed once."""

import atexit
import functools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

import gristmill.runs.reading
from gristmill.clock import Clock
from gristmill.enums import LaneName
from gristmill.pipeline.loading import SEARCH_PATH
from gristmill.storage.s3 import S3Storage
from gristmill.timebox import NoAnswer
from gristmill.worker.child.meter import Meter
from tests.project import PROJECT
from tests.simulation.bucket import BUCKET
from tests.simulation.jobs import QUEUE
from tests.simulation.table import TABLE

if TYPE_CHECKING:
    from tests.simulation.world import World

_PARSED_MAX = 2_000
_LANE = {"queue": QUEUE, "definition": "definition", "max_vcpus": 3.0}
ENVIRONMENT = {
    "BUCKET": BUCKET,
    "LANES": json.dumps({str(name): _LANE for name in LaneName}),
    "QUEUES": QUEUE,
    "MAX_VCPUS": "3",
    "MAX_GPU_VCPUS": "0",
    "MAX_MEMORY": "0",
    "MAX_COST": "0",
    "JOB_LOG_GROUP": "jobs",
    "CATALOGUE_TABLE": TABLE,
    "TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:gristmill",
    SEARCH_PATH: str(PROJECT / "tests" / "simulation" / "pipelines"),
}
CODE_FOLDER = Path(tempfile.mkdtemp(prefix="simulated-code-"))  # of all histories of this process
atexit.register(shutil.rmtree, CODE_FOLDER, ignore_errors=True)
Item = TypeVar("Item")
Result = TypeVar("Result")
WORLDS: list["World"] = []  # the one that goes on is the last


def world() -> "World":
    """Return the world whose history goes on."""
    return WORLDS[-1]


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


METER = Meter(cpu=lambda: 0, peak=lambda: 0)
STORE = simulate(S3Storage(BUCKET, Client("s3")))


def kept(function: Callable[..., Any]) -> Callable[..., Any]:
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


def cached_parse(kind: type, key: str, raw: bytes) -> Any:
    """Parse the same bytes once: records are immutable."""
    if (kind, raw) not in _parsed:
        if len(_parsed) > _PARSED_MAX:
            _parsed.clear()
        _parsed[kind, raw] = _parse_anew(kind, key, raw)
    return _parsed[kind, raw]


def parse(kind: type, raw: bytes) -> Any:
    """Return a record of these bytes, for laws."""
    return cached_parse(kind, "", raw)
