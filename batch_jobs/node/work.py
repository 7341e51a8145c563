"""What the nodes run: a command as it stands, or what a run's pipeline says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from batch_jobs.node.setting import Setting
from gristmill.store import Store


class Work(Protocol):
    """A program over all nodes, what it needs before, and what becomes of its output."""

    @property
    def command(self) -> list[str]:
        """Return the program and its arguments."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the environment of this node's ranks."""

    def stage(self) -> None:
        """Make ready on this node what the program reads."""

    def commit(self) -> None:
        """Keep what the program made; called on the main node, after a confirmed good end."""

    def note_failure(self, code: int, reason: str) -> None:
        """Record why there is no output; called on the main node."""


class Plain:
    """A command that stands for itself."""

    environment: Mapping[str, str] = {}

    def __init__(self, command: list[str]) -> None:
        self.command = command

    def stage(self) -> None:
        """Need nothing."""

    def commit(self) -> None:
        """Keep nothing: the command does."""

    def note_failure(self, code: int, reason: str) -> None:
        """Record nothing: the exit code and the log tell."""


def make_work(_store: Store, setting: Setting, _folder: Path) -> Work:
    """Return what the node's setting says."""
    return Plain(list(setting.command))
