"""The embedded AWS as Gristmill runs it: what it is given of Gristmill, and its errors in Gristmill's own."""

import os
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from embedded_aws import door
from embedded_aws.door import Application, EmbeddedAWSError, ServerState
from gristmill.errors import ExitCode, GristmillError, Unreachable
from gristmill.project import SEARCH_PATH, package_folder

HOME = "GRISTMILL_HOME"  # the variable that names the folder
TAKE_KEYS = 'eval "$(gristmill local env)"'  # what gives a shell the keys of the embedded AWS that runs now
# what runs children and nodes is stable and heavy; a pipeline's own code is always read from the disk
_WORKERS = (
    *("gristmill.worker.child.__main__", "gristmill.worker.node.__main__"),
    *("gristmill.worker.node.main_node", "gristmill.worker.node.other_node", "gristmill.worker.node.branch_work"),
)
GRISTMILL = Application(
    name="gristmill",
    source=str(package_folder()),
    preload=_WORKERS,
    watched=("gristmill", "process_tree", "batch_jobs"),
    search_path=SEARCH_PATH,
    sender="Gristmill <no-reply@sns.local>",
    leave="To leave this list: gristmill unsubscribe {address}",
    take_keys=TAKE_KEYS,
)

_WAYS = {door.START: "gristmill local up", door.RESET: "gristmill local reset", door.ANOTHER_FOLDER: HOME}


def up(data: Path, arguments: Sequence[str] = ()) -> ServerState:
    """Start an embedded AWS in the background and wait until it serves; one that runs already is returned."""
    return door.up(data, arguments, GRISTMILL)


def start(data: Path, arguments: Sequence[str], lock: int, source: Path) -> ServerState:
    """Start one in a folder that has none, for the packages at `source`. The caller has the turn."""
    _check_installed()
    return door.start(data, arguments, lock, replace(GRISTMILL, source=str(source)))


def become(data: Path, arguments: Sequence[str], lock: int, source: Path) -> NoReturn:
    """Become one, in the foreground. The caller has the turn."""
    _check_installed()
    door.become(data, arguments, lock, replace(GRISTMILL, source=str(source)))


def _check_installed() -> None:
    """Raise Unreachable where the extra `local` is missing: the server could not even begin."""
    if find_spec("moto") is None:
        raise Unreachable("the embedded AWS is not installed here.", "Run: pip install 'gristmill[local]'")


def share_search_path(data: Path) -> None:
    """Have the embedded AWS of a folder look for pipelines where this command does."""
    door.add_to_search_path(data, door.folders_of(os.environ, SEARCH_PATH))


def of_embedded(error: EmbeddedAWSError) -> GristmillError:
    """Return an error of the embedded AWS as one of Gristmill, whose own commands mend it."""
    mend = error.mend
    for way, own in _WAYS.items():
        mend = mend.replace(way, own)
    same = GristmillError(error.what, mend)
    same.exit_code = ExitCode(error.exit_code)
    return same
