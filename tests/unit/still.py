"""A bucket in memory, where nothing fails and no time passes: the simulation's, without its world."""

from collections.abc import Callable
from typing import Any

from gristmill.storage.s3 import S3Storage
from tests.simulation.bucket import BUCKET, Bucket


class StillWorld:
    """What the bucket wants of its world."""

    now, page = 0.0, 1000

    def __init__(self) -> None:
        self.kernel = self.wire = self.trouble = self
        self._numbers = 0
        self.before: Callable[[], None] = lambda: None  # each request

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def chance(self, _probability: float) -> bool:
        return False

    def of(self, _kind: str) -> float:
        return 0.0

    def note(self, _fact: Any) -> None:
        pass

    def call(self, _what: str, act: Callable[[], Any], _writes: bool = False) -> Any:
        self.before()
        return act()


class StillStorage(S3Storage):
    """A storage of the bucket, one request after another."""

    def __init__(self) -> None:
        self.world = StillWorld()
        self.memory = Bucket(self.world)  # type: ignore[arg-type]
        super().__init__(BUCKET, self.memory, at_once=lambda work, items, _at_once: [work(item) for item in items])

    def erase(self, key: str) -> None:
        """Remove an object with all its versions."""
        self.memory.objects.pop(key, None)
        for version in [version for version in self.memory._versions if version[0] == key]:
            del self.memory._versions[version]
