"""The records of the cache: an entry, and what a run has reused of one."""

from typing import Literal, Self

from pydantic import AwareDatetime, Field

from gristmill import keys
from gristmill.keys import Span
from gristmill.runs.coverage import Coverage, Slice
from gristmill.runs.findings import Counts
from gristmill.runs.fingerprints import whole_digest
from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.schema import Record, Words


class CachedOutput(Record):
    """What Merge made of an output, and what its tasks come to; `header` came before each and is in none of them."""

    object: ObjectVersion
    checksum: str | None  # S3's own
    counts: Counts
    header: str = ""

    @property
    def coverage(self) -> Coverage:
        """Return the output as if one segment held it all."""
        counts, span = self.counts, Span(0, self.counts.tasks)
        numbers = (counts.bytes_in, counts.records_in, counts.records_out)
        return Coverage([Slice(span, self.object.key, 0, counts.bytes_out, *numbers, self.header)], [])


class Entry(Record):
    """`cache/<pipeline>/<identity>.json`: what a run has merged of a branch; `seal` is a digest of all the rest."""

    contract: Literal[1] = 1
    identity: str
    pipeline: str
    branch: str
    run: str
    at: AwareDatetime
    outputs: dict[str, CachedOutput]  # by name; the only one has none
    dollars: float  # that computing it has cost
    seal: str = ""

    def sealed(self) -> Self:
        """Return the entry with its seal."""
        return self.model_copy(update={"seal": self._digest()})

    @property
    def is_sound(self) -> bool:
        """Return whether it is as it was written."""
        return self.seal == self._digest()

    def _digest(self) -> str:
        return whole_digest(self.model_dump(mode="json", exclude={"seal"}))

    @property
    def key(self) -> str:
        """Return where it lies."""
        return keys.cached_entry(self.pipeline, self.identity)

    @property
    def size(self) -> int:
        """Return the bytes of its outputs."""
        return sum(output.object.size for output in self.outputs.values())


class Reused(Record):
    """`reused.json`: what a run has reused of another one for a branch, as its own copies; or why it does not."""

    contract: Literal[1] = 1
    run: str  # whose it was
    outputs: dict[str, CachedOutput] = Field(default_factory=dict)
    dollars: float = 0
    refused: Words = ""  # why the branch is computed though there was an entry
