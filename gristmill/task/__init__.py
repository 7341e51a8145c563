"""What a job may know of the task it works on, beside its streams and parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gristmill.storage import Storage
from gristmill.storage.folder import FolderStorage


@dataclass(frozen=True)
class Task:
    """One task; a job that takes a fourth argument gets it.

    `item` is the text of the list's item where the stage reads a list, else empty. `bucket`, `input_key` and
    `input_version` name the dropped object; `prefix` is the run's own, under which a job may write what it likes;
    `store` reads and writes both, also in a trial, which has no bucket. `size` counts the bytes of the task's input as
    they are stored. `inputs` has files by name: what the branch names under `with`, whole, and the mates of the task's
    records.
    """

    number: int
    run: str
    stage: str
    branch: str
    attempt: int
    bucket: str
    input_key: str
    input_version: str | None
    prefix: str
    item: str = ""
    size: int = 0
    inputs: Mapping[str, Path] = field(default_factory=dict)
    store: Storage = field(kw_only=True)

    @property
    def is_trial(self) -> bool:
        """Tell whether this is a trial: its objects are files of this machine, and there is no bucket."""
        return isinstance(self.store, FolderStorage)
