"""What a batch came to, for its notice and its report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from gristmill.batches.ends import ItemEnd, Progress, read_ends, read_progress
from gristmill.enums import RunStatus
from gristmill.runs.records import ItemList
from gristmill.storage import Storage


@dataclass(frozen=True)
class BatchSummary:
    """A batch as one of its executions leaves it: how many items it has, how they stand, and what those came to."""

    total: int
    progress: Progress
    ends: Sequence[ItemEnd]

    @classmethod
    def read(cls, store: Storage, batch: str, items: ItemList) -> Self:
        """Read how a batch stands."""
        progress = read_progress(store, batch)
        return cls(items.count, progress, list(read_ends(store, batch, progress, sorted(progress.ended))))

    @property
    def failed(self) -> list[ItemEnd]:
        """Return the items that ended and did not succeed, in order."""
        return [end for end in self.ends if end.status is not RunStatus.SUCCEEDED]

    @property
    def missing(self) -> int:
        """Return how many items have not ended."""
        return self.total - len(self.progress.ended)

    @property
    def cost(self) -> float:
        """Return the dollars of all items whose cost was measured."""
        return sum(end.cost or 0.0 for end in self.ends)

    @property
    def counts(self) -> str:
        """Return how many items there are of each end, in words."""
        ended = [(status, self.progress.count(status)) for status in RunStatus]
        parts = [f"{count:,} {str(status).lower().replace('_', ' ')}" for status, count in ended if count]
        parts += [f"{self.missing:,} not ended"] if self.missing else []
        return ", ".join(parts)
