"""How a number of tasks is shared out, evenly: over Batch jobs, and over the children of one. Pure arithmetic."""

from dataclasses import dataclass

from gristmill.limits import BATCH_ARRAY_MAX


@dataclass(frozen=True)
class Places:
    """Places [first, end) in the list of tasks to do."""

    first: int
    end: int

    @property
    def count(self) -> int:
        """Return how many places there are."""
        return self.end - self.first


def share(places: Places, part: int, parts: int) -> Places:
    """Return the `part`-th of `parts` equal shares: T*i//C .. T*(i+1)//C of T places."""
    count = places.count
    return Places(places.first + count * part // parts, places.first + count * (part + 1) // parts)


def child_places(todo: int, group: int, groups: int, child: int, children: int) -> Places:
    """Return which of `todo` places child `child` of `children` in group `group` of `groups` works through."""
    return share(share(Places(0, todo), group, groups), child, children)


def group_sizes(count: int) -> list[int]:
    """Share `count` children over as few Batch jobs as the largest array allows, evenly."""
    groups = -(-count // BATCH_ARRAY_MAX)
    return [share(Places(0, count), group, groups).count for group in range(groups)]
