"""Trouble: the kinds of fault that a history has, and how much of each: a few of them, drawn from its seed."""

from random import Random

# Each kind: how likely it strikes where it can. A history draws a value, or has none of it.
KINDS: dict[str, list[float]] = {
    "stumbles": [0.005, 0.03],  # a request fails, or is throttled, and the client tries it again
    "outages": [0.001, 0.01],  # a request fails however often the client tries it
    "lost answers": [0.005, 0.03],  # a write was done, its answer is lost, and the client repeats it
    "lost for good": [0.002, 0.01],  # a write was done, and the client learns nothing of that
    "broken streams": [0.05, 0.3],  # the body of an object ends in its middle
    "crashes": [0.03, 0.15],  # a function dies before or after any of its calls
    "lost invocations": [0.03, 0.15],  # the state machine's connection to a function breaks; the function goes on
    "deaths": [0.05, 0.3],  # a container dies, its host is lost
    "lost submits": [0.1],  # Batch took a job, and the state machine does not learn it
    "refused jobs": [0.05, 0.3],  # Batch is throttled, or takes no job
    "zombies": [0.3],  # a container goes on although Batch has ended it
    "duplicate drops": [0.5],
    "duplicate ends": [0.5],
    "late ends": [0.5],  # the event of an execution's end comes minutes late
    "slow": [0.2, 0.5],  # a process is slower by up to ten thousand times, or frozen
    "skewed clocks": [1.0],
    "stale listings": [1.0],  # Batch and Step Functions show the state of a moment ago
    "stops": [1.0],
    "second stops": [0.4],
    "racing resumes": [0.5],
    "timeouts": [0.1],  # an execution runs out of time
    "mails lost": [0.1],  # SNS took a notice, and Notify does not learn it
    "failing tasks": [1.0],
    "tampering": [1.0],  # somebody removes or replaces results
}
_SHARE = 0.3  # of the kinds that a history has


class Trouble:
    """The faults of one history. `off` ends them all: what comes then must succeed."""

    def __init__(self, random: Random, only: frozenset[str] | None = None) -> None:
        self._strength = {}
        for kind, values in KINDS.items():
            drawn, value = random.random() < _SHARE, random.choice(values)
            if drawn if only is None else kind in only:
                self._strength[kind] = value
        self.kinds = sorted(self._strength)
        self.page = random.choice([2, 5, 1000])  # keys on a page of a listing
        self.lag = random.uniform(0.2, 1.0) * self.of("stale listings")

    def of(self, kind: str) -> float:
        """Return how likely a kind of fault strikes; 0 where this history has none of it."""
        assert kind in KINDS, kind
        return self._strength.get(kind, 0.0)

    def off(self) -> None:
        self._strength.clear()
        self.lag = 0.0
