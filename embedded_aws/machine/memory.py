"""How much memory a job's processes hold: what a container would be ended for, where there is no container."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from process_tree.descendants import descendants

_PROC = Path("/proc")
_OWN = re.compile(rb"^Pss_Anon:\s+(\d+) kB", re.MULTILINE)  # shared pages count in parts: jobs are forked from a zygote
_RESIDENT = re.compile(rb"^RssAnon:\s+(\d+) kB", re.MULTILINE)  # of kernels before 5.9
_KIB = 1024


def held(root: int) -> int:
    """Return the bytes of memory that a process and all below it hold; files that are mapped or cached do not count.

    On Linux. On macOS, which does not tell them apart, it is what is resident of each.
    """
    if sys.platform != "linux":
        return _resident(root)
    return sum(_of(process) for process in _tree(root)) * _KIB


def _tree(root: int) -> Iterator[int]:
    """Yield a process and all below it; one that ends meanwhile has none."""
    waiting = [root]
    while waiting:
        process = waiting.pop()
        yield process
        for thread in _listed(_PROC / str(process) / "task"):
            waiting += map(int, _read(thread / "children").split())


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # it has ended
        return b""


def _of(process: int) -> int:
    """Return the KiB that a process holds."""
    folder = _PROC / str(process)
    found = _OWN.search(_read(folder / "smaps_rollup")) or _RESIDENT.search(_read(folder / "status"))
    return int(found[1]) if found else 0


def _resident(root: int) -> int:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, check=False).stdout
    rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
    parents, sizes = {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}
    return sum(sizes.get(process, 0) for process in (root, *descendants(root, parents))) * _KIB
