"""What the nodes run, and what becomes of its output: a command as it stands, or a branch of a run's pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gristmill.worker.node.setting import NodeSetting


class Work(Protocol):
    """A program over all nodes, what it needs before, and what becomes of its output."""

    @property
    def command(self) -> list[str]:
        """Return the program and its arguments."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Return what this node's ranks find in their environment besides the container's own."""

    def stage(self) -> None:
        """Make ready on this node what the program reads."""

    def commit(self) -> None:
        """Keep what the program made; called on the main node, after a confirmed good end."""

    def note_failure(self, code: int, reason: str) -> None:
        """Record why there is no output; called on the main node."""

    def leave_footprint(self) -> None:
        """Tell the report what this node's programs used, once they have ended."""


@dataclass(frozen=True)
class CommandWork:
    """A command that stands for itself: the exit code and the log tell all there is."""

    command: list[str]

    @property
    def environment(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def stage(self) -> None:
        """Need nothing."""

    def commit(self) -> None:
        """Keep nothing."""

    def note_failure(self, code: int, reason: str) -> None:
        """Record nothing."""

    def leave_footprint(self) -> None:
        """Tell nothing: there is no report."""


def make_work(setting: NodeSetting, folder: Path) -> Work:
    """Return what the node's setting says."""
    if setting.command:
        return CommandWork(list(setting.command))
    # heavy, and a plain command is not to wait for it
    from gristmill.aws_clients import make_bare_client
    from gristmill.storage.s3 import S3Storage
    from gristmill.worker.node.branch_work import BranchWork

    return BranchWork(S3Storage(setting.bucket, make_bare_client("s3")), setting, folder)
