"""The note that begins a batch: `inputs/<pipeline>/<name>.batch.json`, dropped once its list of items lies there."""

from typing import Annotated, Literal

from pydantic import Field

from gristmill.errors import Refused
from gristmill.limits import AT_ONCE, AT_ONCE_MAX, NOTE_MAX
from gristmill.pipeline.metadata import encode
from gristmill.pipeline.parameter_rules import VERSION
from gristmill.pipeline.tags import as_metadata
from gristmill.runs.note import NotedObject, VersionText, parse_given
from gristmill.runs.schema import Record, Words

_MEND = "Correct the note and drop it again."


class BatchNote(Record):
    """`<name>.batch.json`: what the runs of a batch share. `items` is its list: see `Item`.

    `params` are every item's, where it does not give its own; `max_cost` is of each item, in dollars; `version` is of
    the pipeline, a number or a digest (nothing: the one that runs take by then). The list's version is frozen with it.
    """

    contract: Literal[1]
    items: NotedObject
    at_once: Annotated[int, Field(ge=1, le=AT_ONCE_MAX)] = AT_ONCE
    params: dict[str, Words] = Field(default_factory=dict)
    version: VersionText = ""
    owner: Words = ""
    tags: dict[str, Words] = Field(default_factory=dict)
    max_cost: Annotated[float, Field(ge=0, lt=10**9, allow_inf_nan=False)] | None = None

    @property
    def metadata(self) -> dict[str, str]:
        """Return what would stand in the metadata of each item's file, its own parameters apart."""
        ceiling = "" if self.max_cost is None else f"{self.max_cost:f}"
        own = {"owner": self.owner, VERSION: self.version, "max-cost": ceiling}
        texts = {name: encode(text) for name, text in {**own, **self.params}.items() if text or name in self.params}
        return texts | as_metadata(self.tags, None)


def parse_batch_note(key: str, raw: bytes) -> BatchNote:
    """Return the batch note that these bytes are; Refused, in one line, where they are none."""
    if len(raw) > NOTE_MAX:
        raise Refused([f"{key} has more than {NOTE_MAX:,} bytes, as no note of a batch has"], _MEND)
    try:
        return parse_given(BatchNote, raw)
    except ValueError as error:
        raise Refused([f"{key} is no note of a batch ({error})"], _MEND) from error
