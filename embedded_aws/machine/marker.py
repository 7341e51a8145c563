"""Which folders an embedded AWS has made: only those are its to empty.

Each has a marker that names its very inode, so that neither a copy nor a folder from an archive passes for one.
"""

import os
from pathlib import Path

from embedded_aws.machine.private_files import read_private, write_private

MARKER = ".embedded-aws"
_FORMAT = "embedded-aws folder, format 1"
_MOST_BYTES = 100


def is_marked(folder: Path) -> bool:
    """Return whether an embedded AWS has made a folder."""
    try:
        return read_private(folder / MARKER, _MOST_BYTES) == _mark_of(folder)
    except (OSError, ValueError):
        return False


def mark(folder: Path) -> None:
    """Mark a folder that is new or empty."""
    write_private(folder / MARKER, _mark_of(folder))


def make_marked(folder: Path) -> None:
    """Make a folder, its user's alone, and mark it; one that is there stays as it is."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        return
    mark(folder)


def _mark_of(folder: Path) -> bytes:
    info = folder.stat()
    if info.st_uid != os.getuid():
        raise ValueError(f"{folder} belongs to another user")
    return f"{_FORMAT}\n{info.st_ino}\n".encode()
