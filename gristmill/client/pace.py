"""How fast a branch goes, and when it will be done if that holds."""

from dataclasses import dataclass


@dataclass
class Pace:
    """A branch's rate as observed: from the first look to the last change."""

    began: float
    first: int
    changed: float
    last: int

    def see(self, at: float, done: int) -> None:
        """Note a count at a time (seconds)."""
        if done != self.last:
            self.changed, self.last = at, done

    @property
    def rate(self) -> float | None:
        """Return tasks per second, None before the first change."""
        span = self.changed - self.began
        return (self.last - self.first) / span if span > 0 and self.last > self.first else None

    def left(self, at: float, tasks: int) -> float | None:
        """Return the seconds until all tasks are done, if the pace holds."""
        return None if self.rate is None else max(0.0, (tasks - self.last) / self.rate - (at - self.changed))
