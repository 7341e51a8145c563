"""The data folder of an embedded AWS: what servers leave in it, and nothing that is not theirs."""

import os
import stat
from pathlib import Path

from embedded_aws.errors import Refused
from embedded_aws.lifecycle.locks import SERVER_LOCK, START_LOCK
from embedded_aws.lifecycle.private import make_private, remove
from embedded_aws.lifecycle.state import STATE_FILE
from embedded_aws.processes import scratch
from embedded_aws.search_path import SEARCH_FILE
from embedded_aws.settings import CALLS_FILE, OUTBOX

LOG_FILE = "server.log"
_KEPT = (*scratch.FOLDERS, OUTBOX, CALLS_FILE, SEARCH_FILE)
_LEFT = (*_KEPT, LOG_FILE, SERVER_LOCK, STATE_FILE, START_LOCK)


def prepare(data: Path) -> None:
    """Make the data folder, its user's alone; Refused where it is another's, or holds things that only look like ours.

    A server clears its folders away, so it takes none that it did not make.
    """
    make_private(data, frozenset(_LEFT))
    there = [path.name for path in data.iterdir()]
    strange = [name for name in sorted(there) if name != STATE_FILE and not _is_plain(data / name)]
    strange += [] if has_served(data) else [name for name in _KEPT if name in there]
    if strange:
        raise Refused([f"{data / strange[0]} is none that a server has made"], "Choose another folder: GRISTMILL_HOME.")


def has_served(data: Path) -> bool:
    """Tell whether a server has lived in a folder: only there is what has their names theirs."""
    return any(os.path.lexists(data / name) for name in (SERVER_LOCK, LOG_FILE))


def _is_plain(path: Path) -> bool:
    """Tell a file or folder from a link or a pipe, which would lead a server elsewhere or keep it waiting."""
    try:
        return stat.S_IFMT(path.lstat().st_mode) in (stat.S_IFREG, stat.S_IFDIR)
    except FileNotFoundError:  # a server that lives there has just removed it
        return True


def wipe(data: Path) -> list[Path]:
    """Remove what servers have left in a folder, and nothing that is not theirs; return what was removed."""
    names = _LEFT if has_served(data) else (STATE_FILE, START_LOCK)
    removed = [data / name for name in names if remove(data / name)]
    return [path for path in removed if path.name not in (SERVER_LOCK, START_LOCK)]
