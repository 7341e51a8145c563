"""Where a pipeline lies that a command names: in a folder, among those of this machine, or among the pushed ones."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.client.push.folder import named
from gristmill.code.archive import unpack
from gristmill.code.pushed import Version, read_body, resolve_version
from gristmill.keys import pushed_code
from gristmill.pipeline.loading import FILE, find, names
from gristmill.storage import Storage


@dataclass(frozen=True)
class Known:
    """A pipeline's name, the folders to find it under, and its version, if it was fetched from a stack."""

    name: str
    roots: Sequence[Path]
    version: Version | None = None

    @property
    def file(self) -> Path:
        """Return its pipeline.yaml."""
        return find(self.name, self.roots)


@contextmanager
def known(text: str, pushed: Callable[[], Storage | None]) -> Iterator[Known]:
    """Give the pipeline that a text names; what was pushed is asked for where this machine has none of the name.

    Refused where there is no such pipeline.
    """
    here = named(text)
    if here.name in names(here.roots):
        yield Known(here.name, here.roots)
        return
    with TemporaryDirectory(prefix="gristmill-pushed-") as place:
        version = _fetched(text, pushed(), Path(place))
        yield Known(text, [Path(place)] if version else here.roots, version)


def _fetched(name: str, store: Storage | None, place: Path) -> Version | None:
    version = resolve_version(store, name, None) if store else None
    if store and version:
        fetch(store, version, place)
    return version


def fetch(store: Storage, version: Version, place: Path) -> Path:
    """Write the code of a version into a folder of its pipeline's name below `place`; return its pipeline.yaml."""
    key = pushed_code(version.pipeline, version.digest)
    unpacked = unpack(read_body(store, version), version.digest, place, key)
    return unpacked.rename(place / version.pipeline) / FILE
