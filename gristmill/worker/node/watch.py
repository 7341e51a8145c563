"""Watch heartbeats: a changed ETag is a beat, and the reader's own monotonic clock times them."""

from collections.abc import Iterable, Mapping


class Watch:
    """The silence of other nodes in seconds, without times in which nothing could be observed (no store, host asleep).

    Silence counts from the first heartbeat; with `at_once`, from the first observation.
    """

    def __init__(self, who: Iterable[str], longest_gap: float, *, at_once: bool = False) -> None:
        self._silence = dict.fromkeys(who, 0.0)
        self._seen: dict[str, str] = {}
        self._longest_gap = longest_gap
        self._at_once = at_once
        self._observed_at: float | None = None

    def observe(self, etags: Mapping[str, str], now: float) -> None:
        """Observe the ETags that are in the store at `now`."""
        passed = min(now - self._observed_at, self._longest_gap) if self._observed_at is not None else 0.0
        self._observed_at = now
        for who in self._silence:
            etag = etags.get(who, "")
            counts = etag == self._seen.get(who, "") and (etag != "" or self._at_once)
            self._silence[who] = self._silence[who] + passed if counts else 0.0
            self._seen[who] = etag

    def silent_for(self, seconds: float) -> list[str]:
        """Return who has been silent for so long."""
        return [who for who, silence in self._silence.items() if silence >= seconds]
