"""How the ranks of a node ended, by the accounts that their supervisors keep there."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gristmill.worker.node import supervisor

_SHOWN = 4


@dataclass(frozen=True)
class RankEnd:
    """How a rank ended: `code` is its exit code, below 0 the signal that killed it, None where it was not seen to end.

    That is the case while it runs, and for good once it was killed together with its supervisor.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # the main node checks it

    rank: int
    node: int
    code: int | None = None

    def __str__(self) -> str:
        """Return which rank it is."""
        return f"rank {self.rank} on node {self.node}"


class Accounts:
    """The folder of a node in which the supervisors of its ranks keep their accounts."""

    def __init__(self, folder: Path, node: int) -> None:
        self._folder, self._node = folder, node
        folder.mkdir()

    @property
    def variables(self) -> dict[str, str]:
        """Return what the ranks of this node need in their environment."""
        return {supervisor.ACCOUNTS: str(self._folder)}

    def read(self) -> list[RankEnd]:
        """Return how each rank that has begun here has ended."""
        files = (file for file in self._folder.iterdir() if file.name.isdecimal())
        found = [(int(file.name), file.read_text(encoding="ascii")) for file in files]
        return [RankEnd(rank, self._node, int(text) if text else None) for rank, text in sorted(found)]


def supervised(command: Sequence[str]) -> list[str]:
    """Return the command that mpirun starts for each rank of a program."""
    return [sys.executable, "-I", "-S", supervisor.__file__, *command]


def shortlist(names: Sequence[str]) -> str:
    """Return names in one line; of many, the first and how many more there are."""
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more])
