"""Which code a run is made by, and its libraries: a part of its record."""

from typing import Annotated

from pydantic import (
    Field,
    StringConstraints,
)

from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.schema import Record

Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


_SHOWN = 12  # digits of a digest or a commit that people are shown


class Libraries(Record):
    """The libraries of a run's code for one Python and platform, pinned."""

    object: ObjectVersion
    digest: Sha256


class Registered(Record):
    """A job definition that a push has registered for a branch."""

    arn: str
    base: str  # ARN of the stack's own definition that it was made of
    image: str


class Code(Record):
    """Which code a run is made by, and where the run keeps it (None: in a plan, or where a drop is refused)."""

    digest: Sha256
    sources: Sha256  # of all but pipeline.yaml, whose fields count each by itself in fingerprints
    version: int | None = None  # number of the push; None: the folder was not pushed
    built_in: bool
    git_commit: str | None = None  # of the folder when it was pushed
    dirty: bool = False  # it differed from that commit
    object: ObjectVersion | None = None  # `code.zip`
    lock: Sha256 | None = None  # of the lock file of its libraries
    libraries: dict[str, Libraries] = Field(default_factory=dict)  # by Python and platform
    definitions: dict[str, Registered] = Field(default_factory=dict)  # of branches with one of their own

    @property
    def headline(self) -> str:
        """Return which code it is, as people read it: how its digest begins, and where it comes from."""
        return f"{self.short} ({self.origin})"

    @property
    def short(self) -> str:
        """Return how its digest begins: the same for the same files, wherever they come from."""
        return self.digest[:_SHOWN]

    @property
    def origin(self) -> str:
        """Return where it comes from, in words."""
        kind = "built in" if self.built_in else "not pushed" if self.version is None else f"version {self.version}"
        commit = f", commit {self.git_commit[:_SHOWN]}" if self.git_commit else ""
        return f"{kind}{commit}{' and changes since' if self.dirty and commit else ''}"
