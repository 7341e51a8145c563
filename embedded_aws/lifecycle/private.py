"""Folders and files that are their user's alone."""

import os
import shutil
import stat
from pathlib import Path

from embedded_aws.errors import Refused


def open_private(path: Path, flags: int) -> int:
    """Open a file that is its user's alone, making it if need be; Refused for anything else of that name.

    Follows no link, waits for no FIFO.
    """
    try:
        file = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise Refused([f"{path} cannot be opened ({error.strerror})"], "Remove it, or mend the folder.") from error
    info = os.fstat(file)
    if not stat.S_ISREG(info.st_mode) or info.st_uid != os.getuid() or info.st_nlink != 1:
        os.close(file)
        raise Refused([f"{path} is not a file of your own"], "Remove it.")
    os.fchmod(file, 0o600)
    return file


def make_private(folder: Path, own: frozenset[str]) -> None:
    """Make a folder that is its user's alone; narrow one that is there if all in it is called as in `own`.

    Refused for a folder of another user, and for an open one with other things in it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused([f"{folder} cannot be made ({error.strerror})"], "Choose another: GRISTMILL_HOME.") from error
    check_own(folder)
    if folder.stat().st_mode & 0o077:
        others = sorted(path.name for path in folder.iterdir() if path.name not in own)
        if others:
            raise Refused(
                [f"{folder} is open to other users and holds things that are none of an embedded AWS ({others[0]!a})"],
                f"Choose a folder of its own (GRISTMILL_HOME), or close this one: chmod 700 {folder}",
            )
        folder.chmod(0o700)


def check_own(folder: Path) -> None:
    """Refuse a folder of another user, who could change under our hands what is in it."""
    if folder.stat().st_uid != os.getuid():
        raise Refused([f"{folder} belongs to another user"], "Choose a folder of your own: GRISTMILL_HOME.")


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
