"""Where the code of an application's users lies: noted in the data folder, so that commands can add folders.

Every function and job gets the folders as they are noted when it starts, in the variable that the application names.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from embedded_aws.machine.private_files import read_private, write_private

SEARCH_FILE = "search-path.json"  # in the data folder
_MOST = 1024**2  # bytes


def folders(environment: Mapping[str, str], variable: str) -> list[str]:
    """Return the folders that a variable lists, as they are called from anywhere."""
    listed = environment.get(variable, "").split(os.pathsep)
    return [str(Path(folder).absolute()) for folder in listed if folder]


def as_variable(variable: str, found: Iterable[str]) -> dict[str, str]:
    """Return the variable that lists folders; nothing where it has no name."""
    return {variable: os.pathsep.join(found)} if variable else {}


def begin(data: Path, found: Sequence[str]) -> None:
    """Note where to look, and forget what was noted before."""
    with _alone(data):
        _write(data, found)


def add(data: Path, found: Sequence[str]) -> None:
    """Have folders looked into before those noted; these stay, for runs under way need them."""
    with _alone(data):
        known = noted(data)
        wanted = list(dict.fromkeys([*found, *known]))
        if wanted != known:
            _write(data, wanted)


def noted(data: Path) -> list[str]:
    """Return where to look, in order; nothing where the file is damaged, for whoever adds a folder makes it anew."""
    try:
        content = read_private(data / SEARCH_FILE, _MOST)
        found = json.loads(content) if content is not None else []
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) and all(map(_is_folder, found)) else []


def _is_folder(name: object) -> bool:
    """Return whether something that was noted can be the name of a folder."""
    try:
        return isinstance(name, str) and Path(name).is_absolute() and b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False


def _write(data: Path, wanted: Sequence[str]) -> None:
    write_private(data / SEARCH_FILE, json.dumps(wanted).encode("ascii"))


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    folder = os.open(data, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
