"""How the ranks of a node ended, by the accounts that their supervisors keep there."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gristmill.printable import encodable
from gristmill.worker.node import supervisor

_SHOWN = 4
_REFUSAL = ".refusal"  # how the name of its file ends
_REFUSAL_MAX = 500  # characters


@dataclass(frozen=True)
class RankEnd:
    """How a rank ended: `code` is its exit code, below 0 the signal that killed it, None where it was not seen to end.

    That is the case while it runs, and for good once it was killed together with its supervisor. `is_asked`: it ended
    after mpirun had asked it to (SIGTERM). `refusal` says what of its input it refused, where it did.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # the main node checks it

    rank: int
    node: int
    code: int | None = None
    is_asked: bool = False
    refusal: str = ""

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
        return [self._end(rank, *text.split()) for rank, text in sorted(found)]

    def _end(self, rank: int, code: str = "", asked: str = "") -> RankEnd:
        is_asked = asked == supervisor.ASKED
        return RankEnd(rank, self._node, int(code) if code else None, is_asked, self._refusal(rank))

    def _refusal(self, rank: int) -> str:
        file = self._folder / f"{rank}{_REFUSAL}"
        return file.read_text(encoding="utf-8") if file.is_file() else ""


def note_refusal(text: str, environment: Mapping[str, str]) -> None:
    """Keep, beside a rank's account, what it refused of its input: whole, or not at all. The rank itself calls it."""
    file = Path(environment[supervisor.ACCOUNTS], f"{environment[supervisor.RANK]}{_REFUSAL}")
    begun = file.with_name(f".{file.name}")
    begun.write_text(encodable(text)[:_REFUSAL_MAX], encoding="utf-8")
    begun.rename(file)


def supervised(command: Sequence[str]) -> list[str]:
    """Return the command that mpirun starts for each rank of a program."""
    return [sys.executable, "-I", "-S", supervisor.__file__, *command]


def shortlist(names: Sequence[str]) -> str:
    """Return names in one line; of many, the first and how many more there are."""
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more])
