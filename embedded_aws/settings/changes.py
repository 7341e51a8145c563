"""Waking those who wait for Batch: no polling, no lost wake-up."""

import threading


class Changes:
    """A counter of changes that can be waited on."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0

    def sequence(self) -> int:
        """Return how many changes there were; take it before looking at the state."""
        with self._condition:
            return self._count

    def notify(self) -> None:
        """Tell that something changed."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def wait_beyond(self, seen: int, timeout: float) -> int:
        """Wait until there are more changes than `seen`, or `timeout` seconds; return how many there are."""
        with self._condition:
            self._condition.wait_for(lambda: self._count > seen, timeout)
            return self._count


batch = Changes()
