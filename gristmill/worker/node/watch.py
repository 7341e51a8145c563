"""Who still lives: heartbeats are told by their ETags, and timed by the reader's own monotonic clock."""

from collections.abc import Iterable, Mapping


class Watch:
    """Silence of others in seconds. Time in which nobody could look (no store, a sleeping host) does not count.

    Silence counts from the first sign of life; with `at_once`, from the first look.
    """

    def __init__(self, who: Iterable[str], longest_gap: float, *, at_once: bool = False) -> None:
        self._silence = dict.fromkeys(who, 0.0)
        self._seen: dict[str, str] = {}
        self._longest_gap = longest_gap
        self._at_once = at_once
        self._looked: float | None = None

    def look(self, etags: Mapping[str, str], now: float) -> None:
        """Take in what stands in the store at `now`."""
        passed = min(now - self._looked, self._longest_gap) if self._looked is not None else 0.0
        self._looked = now
        for who in self._silence:
            etag = etags.get(who, "")
            counts = etag == self._seen.get(who, "") and (etag != "" or self._at_once)
            self._silence[who] = self._silence[who] + passed if counts else 0.0
            self._seen[who] = etag

    def silent_for(self, seconds: float) -> list[str]:
        """Return who has not been heard of for so long."""
        return [who for who, silence in self._silence.items() if silence >= seconds]
