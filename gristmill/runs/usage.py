"""What one container used: its program writes that as it ends, for Batch reports neither memory nor processor time.

The figures lie in the object's key, so that one listing gives those of 1,000 containers; the object itself says
what they ran on, which is most often the same for all of a branch.
"""

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from itertools import islice
from types import ModuleType
from typing import Literal

from gristmill import __version__, keys
from gristmill.runs.schema import Record
from gristmill.storage import Storage

_LIBRARIES = 60
_VERSION = 40  # characters
_LATEST = 10**13  # Unix milliseconds; what a key says of later times is no time


@dataclass(frozen=True)
class Footprint:
    """The figures of one try of a container: `child` is its index in its array or, of a node, among the nodes."""

    attempt: int
    group: int
    child: int
    job_try: int  # by Batch, from 1
    began: int  # Unix milliseconds: when its program did, after the container's start
    ended: int
    cpu: int  # milliseconds of processor time, user and system, of the program and all it has run
    peak: int  # KiB: the most memory that any one of its processes held
    done: int  # tasks
    failed: int
    bytes_in: int  # of the tasks that are done, as the others
    bytes_out: int
    records_in: int
    records_out: int

    def key(self, branch: keys.BranchKeys) -> str:
        """Return where it lies."""
        return branch.container_usage(astuple(self))


class Software(Record):
    """What a container's program ran on; libraries are those it had imported that have a version."""

    contract: Literal[1] = 1
    gristmill: str
    python: str
    platform: str
    processors: int
    libraries: dict[str, str]


def leave(store: Storage, branch: keys.BranchKeys, footprint: Footprint) -> None:
    """Write a container's footprint."""
    store.put(footprint.key(branch), software().model_dump_json().encode())


def footprints(store: Storage, branch: keys.BranchKeys) -> Iterator[Footprint]:
    """Yield the footprints of a branch by attempt, group, child and try."""
    found = (keys.usage_figures(listed.key) for listed in store.list(branch.usage))
    left = (Footprint(*figures) for figures in found if figures and len(figures) == len(fields(Footprint)))
    yield from (footprint for footprint in left if 0 < footprint.began <= footprint.ended < _LATEST)


def software() -> Software:
    """Return what this process runs on."""
    return Software(
        gristmill=__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        processors=os.cpu_count() or 1,
        libraries=libraries(sys.modules),
    )


def libraries(modules: Mapping[str, ModuleType]) -> dict[str, str]:
    """Return the versions that imported modules have; asking the installed packages takes far longer."""
    versions = {
        name: vars(module).get("__version__")
        for name, module in sorted(modules.items())
        if "." not in name and name not in sys.stdlib_module_names and name != "gristmill"
    }
    known = {name: version[:_VERSION] for name, version in versions.items() if isinstance(version, str)}
    return dict(islice(known.items(), _LIBRARIES))
