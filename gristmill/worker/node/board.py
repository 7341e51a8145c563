"""Exchange messages between nodes in the store; retry errors for as long as a lost node is waited for."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from gristmill.keys import Rendezvous
from gristmill.storage import Storage
from gristmill.worker.node.failures import StoreUnreachable

_AGAIN = 0.5  # seconds between tries
_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})


def quick_config() -> Config:
    """Return a client configuration that gives up soon: the board itself tries again, and keeps the time."""
    return _CONFIG


class Board:
    """The messages of the nodes of one attempt. `pause` waits, and raises when a signal has come."""

    def __init__(self, store: Storage, place: Rendezvous, lost: float, pause: Callable[[float], None]) -> None:
        self.place = place
        self._store = store
        self._lost = lost
        self._pause = pause

    def put(self, key: str, message: Mapping[str, Any]) -> None:
        """Write a message; StoreUnreachable if the store stays away."""
        self._retry(lambda: self._store.put(key, json.dumps(message).encode()))

    def try_put(self, key: str, message: Mapping[str, Any]) -> bool:
        """Try once to write a message; tell whether that worked."""
        try:
            self._store.put(key, json.dumps(message).encode())
        except (BotoCoreError, ClientError):
            return False
        return True

    def read(self, key: str) -> dict[str, Any] | None:
        """Return a message, None if there is none yet."""
        raw = self._retry(lambda: self._store.find(key))
        return json.loads(raw) if raw is not None else None

    def etag(self, key: str) -> str:
        """Return a message's ETag, empty if there is none yet."""
        found = self._retry(lambda: self._store.head(key))
        return found.etag if found else ""

    def etags(self) -> dict[str, str]:
        """Return the ETags of all messages by key, from one listing."""
        found: dict[str, str] = self._retry(
            lambda: {message.key: message.etag for message in self._store.list(self.place.prefix)},
        )
        return found

    def _retry(self, ask: Callable[[], Any]) -> Any:
        """Retry a request until the store answers; StoreUnreachable if it stays away too long."""
        end = time.monotonic() + self._lost
        while True:
            try:
                return ask()
            except (BotoCoreError, ClientError) as error:
                if time.monotonic() > end:
                    raise StoreUnreachable(f"the store could not be reached for {self._lost:g} s: {error}") from error
                self._pause(_AGAIN)


class Heartbeat:
    """A thread that rewrites a heartbeat with other bytes each time, so that its ETag changes."""

    def __init__(self, board: Board, key: str, every: float) -> None:
        self._board, self._key, self._every = board, key, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._over.set()

    def _beat(self) -> None:
        beat = 0
        while True:
            written = self._board.try_put(self._key, {"beat": beat})
            beat += 1
            if self._over.wait(self._every if written else _AGAIN):
                return
