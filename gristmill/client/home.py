"""The folder of the embedded AWS that a user starts: named by GRISTMILL_HOME, or found from the working folder."""

import os
from collections.abc import Mapping
from pathlib import Path

from embedded_aws.door import STATE_FILE
from gristmill.client.embedded import HOME
from gristmill.errors import Refused
from gristmill.project import working_folder

_FOLDER = ".gristmill"


def home(environment: Mapping[str, str], here: Path | None = None) -> Path:
    """Return the state folder of the embedded AWS: GRISTMILL_HOME, else `.gristmill` of `here` or of a folder above.

    Where there is none yet it is that of `here`, by default the working folder. One of another user leads nowhere;
    Refused where that of `here` is a link: it may come from anybody's archive.
    """
    if named := environment.get(HOME):
        return Path(named) if Path(named).is_absolute() else working_folder() / named
    here = here.absolute() if here else working_folder()
    above = (folder / _FOLDER for folder in (here, *here.parents))
    found = next((folder for folder in above if _is_mine(folder)), here / _FOLDER)
    if found.is_symlink():
        raise Refused([f"{found} is a symbolic link"], f"Remove it, or name where it leads by {HOME}.")
    return found


def _is_mine(folder: Path) -> bool:
    try:
        return not folder.is_symlink() and (folder / STATE_FILE).lstat().st_uid == os.getuid()
    except OSError:
        return False
