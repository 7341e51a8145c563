"""Where the code of an application's users lies: noted in the data folder, so that commands can add folders.

Every function and job gets the folders as they are noted when it starts, in the variable that the application names.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from embedded_aws.private_files import write_private

SEARCH_FILE = "search-path.json"  # in the data folder


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
    """Return where to look, in order."""
    try:
        found: list[str] = json.loads((data / SEARCH_FILE).read_bytes())
    except FileNotFoundError:
        return []
    return found


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
