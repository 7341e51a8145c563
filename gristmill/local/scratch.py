"""Folders of the embedded AWS's own processes: what one leaves in them goes when it ends, whatever ended it."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDERS = ("jobs", "functions", "tmp", "objects")  # under the data folder; its mails and logs are none of these


@contextmanager
def working_folders(data: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """Give a job a folder to work in and one for temporary files."""
    made = data / "jobs" / name, temporary_folder(data)
    made[0].mkdir(parents=True, exist_ok=True)
    try:
        yield made
    finally:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)


def temporary_folder(data: Path) -> Path:
    """Return a new folder for the temporary files of one process.

    Its path is short: programs put sockets into TMPDIR, and a socket's path has at most 107 bytes.
    """
    folder = data / "tmp" / uuid.uuid4().hex[:8]
    folder.mkdir(parents=True)
    return folder


def sweep(data: Path) -> None:
    """Remove what processes have left that live no more."""
    for path in (data / name for name in FOLDERS):
        if path.is_symlink():
            path.unlink()
        shutil.rmtree(path, ignore_errors=True)
