"""Which connections must go: those that prove nothing in time, and the least trusted where there are too many."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

_SECONDS = 20.0  # for a request of a caller that has not proven itself ...
_RATE = 64 * 1024  # ... and one more for as many bytes of its body


Channel = TypeVar("Channel")


@dataclass(frozen=True)
class Standing:
    """What is known of a connection; moments are in seconds since the epoch."""

    opened: float
    last_activity: float
    is_proven: bool  # it has signed a request rightly
    is_served: bool  # a request of it came whole, and is not answered yet
    is_idle: bool  # nothing of it is under way
    body_received: int  # bytes of the request that is coming


def is_overdue(standing: Standing, now: float) -> bool:
    """Return whether a caller that has proven nothing has taken too long; its connection serves one request."""
    if standing.is_proven or standing.is_served:
        return False
    return now - standing.opened > _SECONDS + standing.body_received / _RATE


def expendable(channels: Iterable[tuple[Channel, Standing]], is_owners: Callable[[Channel], bool]) -> list[Channel]:
    """Return what may be closed to make room, the first the first.

    Who has proven nothing goes, however busily it sends; of the others what is idle. Strangers go before connections of
    the server's own user, the oldest first.
    """

    def rank(item: tuple[Channel, Standing]) -> tuple[bool, float]:
        channel, standing = item
        if standing.is_proven:
            return True, standing.last_activity
        return is_owners(channel), standing.opened

    may_go = [item for item in channels if not item[1].is_served and (item[1].is_idle or not item[1].is_proven)]
    return [channel for channel, _ in sorted(may_go, key=rank)]
