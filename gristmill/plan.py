"""How the tasks of a branch are shared out over Batch jobs and their children. Pure arithmetic."""

from dataclasses import dataclass

from gristmill.limits import BATCH_ARRAY_MAX, BATCH_TIMEOUT_MIN_SECONDS
from gristmill.spec.model import Branch

_SLACK_SECONDS = 300  # for a container's start, staging and the last segment
_LONGEST_SECONDS = 14 * 86_400  # Fargate guarantees no job beyond 14 days


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


def children(todo: int, branch: Branch, max_vcpus: float) -> int:
    """Return how many children a branch gets: as many as it wants, the tasks fill and the queue can run at once.

    More children than the queue can hold at once only wait, and each start costs more than many tasks.
    """
    at_once = max(1, int(max_vcpus / branch.vcpus))
    return min(todo, branch.target_children, at_once)


def group_sizes(count: int) -> list[int]:
    """Share `count` children over as few Batch jobs as the largest array allows, evenly."""
    groups = -(-count // BATCH_ARRAY_MAX)
    return [share(Places(0, count), group, groups).count for group in range(groups)]


def job_timeout(branch: Branch, tasks_per_child: int) -> int:
    """Return a job's attempt timeout in seconds: every task may take its own, and the container needs a little."""
    wanted = branch.timeout * tasks_per_child + _SLACK_SECONDS
    return max(BATCH_TIMEOUT_MIN_SECONDS, min(wanted, _LONGEST_SECONDS))
