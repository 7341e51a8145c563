"""The data folder of an embedded AWS: what servers leave in it, and nothing that is not theirs."""

from pathlib import Path

from gristmill.client.server_state import STATE_FILE
from gristmill.errors import Refused
from gristmill.local import scratch
from gristmill.local.locks import SERVER_LOCK, START_LOCK
from gristmill.local.private import make_private, remove
from gristmill.local.settings import CALLS_FILE, OUTBOX
from gristmill.spec.search_path import SEARCH_FILE

LOG_FILE = "server.log"
_MARKS = {SERVER_LOCK, LOG_FILE}  # a server has lived where these are
_KEPT = (*scratch.FOLDERS, OUTBOX, CALLS_FILE, SEARCH_FILE)
_LEFT = (*_KEPT, LOG_FILE, SERVER_LOCK, STATE_FILE, START_LOCK)


def prepare(data: Path) -> None:
    """Make the data folder, its user's alone; Refused where it is another's, or holds things that only look like ours.

    A server clears its folders away, so it takes none that it did not make.
    """
    make_private(data, frozenset(_LEFT))
    there = {path.name for path in data.iterdir()}
    strange = [name for name in _LEFT if (data / name).is_symlink() and name != STATE_FILE]
    strange += [] if there & _MARKS else [name for name in _KEPT if name in there]
    if strange:
        raise Refused([f"{data / strange[0]} is none that a server has made"], "Choose another folder: GRISTMILL_HOME.")


def wipe(data: Path) -> list[Path]:
    """Remove what servers have left in a folder, and nothing that is not theirs; return what was removed."""
    there = {path.name for path in data.iterdir()}
    names = _LEFT if there & _MARKS else (STATE_FILE, START_LOCK)
    removed = [data / name for name in names if remove(data / name)]
    return [path for path in removed if path.name not in (SERVER_LOCK, START_LOCK)]
