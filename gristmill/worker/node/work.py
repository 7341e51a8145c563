"""What the nodes run and what becomes of its output: a plain command, or a branch of a pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gristmill.worker.node.setting import NodeSetting

if TYPE_CHECKING:
    from gristmill.worker.node.verdict import Verdict


class Work(Protocol):
    """A program over all nodes, what it needs before, and what becomes of its output."""

    @property
    def command(self) -> list[str]:
        """Return the program and its arguments."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Return what this node's ranks find in their environment besides the container's own."""

    def stage(self) -> None:
        """Fetch what the program reads to this node."""

    def is_committed(self) -> bool:
        """Return whether an earlier try of the job has kept its output, and was lost only then."""

    def commit(self) -> None:
        """Keep what the program made; called on the main node, after a confirmed good end."""

    def note_failure(self, verdict: "Verdict", detail: str) -> None:
        """Record why there is no output, with the end of the program's; called on the main node."""

    def leave_footprint(self) -> None:
        """Write what this node's programs used, for the report, once they have ended."""


@dataclass(frozen=True)
class CommandWork:
    """A plain command: its exit code and its log are all its output."""

    command: list[str]

    @property
    def environment(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def stage(self) -> None:
        """Do nothing: a command reads no input."""

    def is_committed(self) -> bool:
        """Return False: a command has no output to keep."""
        return False

    def commit(self) -> None:
        """Do nothing: a command has no output to keep."""

    def note_failure(self, verdict: "Verdict", detail: str) -> None:
        """Do nothing: the exit code is the record."""

    def leave_footprint(self) -> None:
        """Do nothing: there is no report."""


def make_work(setting: NodeSetting, folder: Path) -> Work:
    """Return what the node's setting says."""
    if setting.command:
        return CommandWork(list(setting.command))
    # heavy, and a plain command is not to wait for it
    from gristmill.aws_clients import make_bare_client
    from gristmill.storage.s3 import S3Storage
    from gristmill.worker.node.branch_work import BranchWork

    return BranchWork(S3Storage(setting.bucket, make_bare_client("s3")), setting, folder)
