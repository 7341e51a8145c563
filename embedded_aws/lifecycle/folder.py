"""The data folder of an embedded AWS: what servers leave in it, and nothing that is not theirs."""

import os
import stat
from pathlib import Path

from embedded_aws.lifecycle.locks import SERVER_LOCK, START_LOCK
from embedded_aws.lifecycle.private import check_own, make_private, remove
from embedded_aws.lifecycle.state import STATE_FILE
from embedded_aws.machine.errors import ANOTHER_FOLDER, Refused
from embedded_aws.machine.marker import MARKER, is_marked, mark
from embedded_aws.machine.private_files import drafted
from embedded_aws.machine.search_path import SEARCH_FILE
from embedded_aws.processes import scratch
from embedded_aws.settings.settings import CALLS_FILE, OUTBOX

LOG_FILE = "server.log"
_FOLDERS = (*scratch.FOLDERS, OUTBOX)
_FILES = (CALLS_FILE, SEARCH_FILE, LOG_FILE, SERVER_LOCK, STATE_FILE, START_LOCK, MARKER)  # in the order of their end
_CHOOSE = f"Choose another folder: {ANOTHER_FOLDER}."


def prepare(data: Path) -> None:
    """Make the data folder, its user's alone; Refused where it is another's, or holds things that are none of a server.

    A server clears its folders away, so it takes only a folder that is new, empty or a server's already.
    """
    make_private(data, _is_ours)
    there = _names(data)  # before the marker is looked for, which another `up` may just make
    if is_marked(data):
        _check_taken(data, there)
    else:
        _mark(data, [name for name in there if drafted(name) != MARKER])


def check_marked(data: Path) -> bool:
    """Return whether a folder is a server's; false for an absent or empty one, Refused where it holds other things."""
    if not data.is_dir():
        return False
    check_own(data)
    there = _names(data)
    if not is_marked(data):
        _check_empty(data, there)
        return False
    return True


def mark_again(data: Path) -> None:
    """Mark a folder from which a reset has taken all while its caller waited for the turn that it has now."""
    if not is_marked(data):
        _mark(data, [name for name in _names(data) if name != START_LOCK])


def _names(data: Path) -> list[str]:
    return sorted(path.name for path in data.iterdir())


def _mark(data: Path, there: list[str]) -> None:
    _check_empty(data, there)
    mark(data)


def _check_empty(data: Path, there: list[str]) -> None:
    if there:
        raise Refused([f"{data} holds things ({there[0]!a}) and was not made by an embedded AWS"], _CHOOSE)


def _check_taken(data: Path, there: list[str]) -> None:
    for name in there:
        is_foreign = name in _FOLDERS and (data / name).exists() and not is_marked(data / name)
        if is_foreign or not _is_plain(data / name):
            raise Refused([f"{data / name} is none that a server has made"], f"Move it away. Or: {_CHOOSE}")


def _is_plain(path: Path) -> bool:
    """Tell a file or folder from a link, a second name or a pipe, which lead a server elsewhere or keep it waiting."""
    try:
        info = path.lstat()
    except FileNotFoundError:  # a server that lives there has just removed it
        return True
    return stat.S_ISDIR(info.st_mode) or (stat.S_ISREG(info.st_mode) and info.st_nlink == 1)


def _is_ours(name: str) -> bool:
    return (drafted(name) or name) in (*_FOLDERS, *_FILES)


def left_by_servers(data: Path) -> list[Path]:
    """Return what servers have left in their folder, the marker last."""
    folders = [data / name for name in _FOLDERS if not (data / name).is_symlink() and is_marked(data / name)]
    drafts = [data / name for name in _names(data) if drafted(name) in _FILES]
    files = [path for path in (*drafts, *(data / name for name in _FILES)) if os.path.lexists(path)]
    return [*folders, *(path for path in files if path.is_symlink() or not path.is_dir())]


def wipe(data: Path) -> list[Path]:
    """Remove what servers have left in their folder, and nothing that is not theirs; return what was removed."""
    return [path for path in left_by_servers(data) if remove(path)]
