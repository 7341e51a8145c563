"""Where an embedded AWS looks for pipelines: noted in its folder, so that commands can add what they find."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from gristmill.pipeline.loading import SEARCH_PATH

SEARCH_FILE = "search-path.json"  # in the data folder


def folders(environment: Mapping[str, str]) -> list[str]:
    """Return the folders of GRISTMILL_PIPELINES as they are called from anywhere."""
    return [str(Path(one).absolute()) for one in environment.get(SEARCH_PATH, "").split(os.pathsep) if one]


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
    draft = data / f".{SEARCH_FILE}"
    draft.write_text(json.dumps(wanted), encoding="ascii")
    draft.replace(data / SEARCH_FILE)


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    folder = os.open(data, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
