"""Folders that are their user's alone."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from embedded_aws.machine.errors import ANOTHER_FOLDER, Refused


def make_private(folder: Path, is_own: Callable[[str], bool]) -> None:
    """Make a folder that is its user's alone; narrow one that is there if the names of all in it are own ones.

    Refused for a folder of another user, and for an open one with other things in it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused([f"{folder} cannot be made ({error.strerror})"], f"Choose another: {ANOTHER_FOLDER}.") from error
    check_own(folder)
    if folder.stat().st_mode & 0o077:
        others = sorted(path.name for path in folder.iterdir() if not is_own(path.name))
        if others:
            raise Refused(
                [f"{folder} is open to other users and holds things that are none of an embedded AWS ({others[0]!a})"],
                f"Choose a folder of its own ({ANOTHER_FOLDER}), or close this one: chmod 700 {folder}",
            )
        folder.chmod(0o700)


def check_own(folder: Path) -> None:
    """Refuse a folder of another user, who could change under our hands what is in it."""
    if folder.stat().st_uid != os.getuid():
        raise Refused([f"{folder} belongs to another user"], f"Choose a folder of your own: {ANOTHER_FOLDER}.")


def remove(path: Path) -> bool:
    """Remove a file, a link (not what it leads to) or a folder with all in it; tell whether there was one."""
    if not path.is_symlink() and path.is_dir():
        shutil.rmtree(path)
        return True
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
