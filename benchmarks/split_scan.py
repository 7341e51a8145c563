"""How fast Split cuts: by lines from a local file on one core, and by bytes for files of any size.

Cutting by lines scans every byte once: measured apart from the store, from a file that lies in the page cache.
Cutting by bytes looks only near the cuts: the same number of cuts takes the same time in a file 100 times as large
(sparse, with lines where the cuts fall).

    python benchmarks/split_scan.py [--mebibytes 1024]
"""

import argparse
import io
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import common

from gristmill.formats.reader import View
from gristmill.formats.tokens import cut_by_bytes, cut_by_records

PER_TASK = (2, 100, 10_000, 1_000_000)
CUTS = 200
SIZES_GIB = (1, 10, 100)
ROUNDS = 3


def least(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the fastest of a few rounds: a busy machine takes none of them."""

    def once() -> float:
        begin = time.process_time()
        work()
        return time.process_time() - begin

    return min(once() for _ in range(ROUNDS))


def by_lines(source: Path, per_task: int) -> float:
    """Return the bytes that one core scans in a second."""

    def scan() -> None:
        with source.open("rb") as file:
            cut_by_records(file, per_task)

    return source.stat().st_size / least(scan)


def by_bytes(source: Path, size: int) -> float:
    """Return the CPU seconds to cut a sparse file of `size` bytes into a fixed number of chunks."""
    per_task = size // CUTS
    with source.open("wb") as file:
        file.truncate(size)
        for target in range(per_task, size, per_task):
            file.seek(target + 20)
            file.write(b"\n")
    descriptor = os.open(source, os.O_RDONLY)
    try:
        view = View(size, lambda start, end: os.pread(descriptor, end - start, start), lambda _start: io.BytesIO())
        cuts = cut_by_bytes(view, per_task)
        assert len(cuts) == CUTS + 1 + (size % per_task > 0), len(cuts)
        return least(lambda: cut_by_bytes(view, per_task))
    finally:
        os.close(descriptor)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=1024, help="size of the file that is scanned (default: 1024)")
    mebibytes = parser.parse_args().mebibytes
    common.print_machine()
    with TemporaryDirectory(prefix="gristmill-bench-") as name:
        source = Path(name) / "lines.txt"
        common.write_lines(source, mebibytes * 1024**2 // common.LINE_BYTES)
        print(f"cutting by lines: {source.stat().st_size / 1e6:,.0f} MB of lines of {common.LINE_BYTES} bytes")
        speeds = {per_task: by_lines(source, per_task) / 1e9 for per_task in PER_TASK}
        for per_task, speed in speeds.items():
            print(f"  {per_task:>9,} lines per task {speed:8.2f} GB/s of one core")
        print(f"\ncutting by bytes: {CUTS} cuts")
        seconds = {size: by_bytes(source, size * 1024**3) for size in SIZES_GIB}
        for size, second in seconds.items():
            print(f"  {size:>9,} GiB {1000 * second:8.2f} ms of one core")
    usual = [speed for per_task, speed in speeds.items() if per_task > 2]
    print()
    kept = [common.verdict("GB/s of the slowest scan from 100 lines per task up", min(usual), 1.0, at_most=False)]
    spread = max(seconds.values()) / statistics.median(seconds.values())
    kept.append(common.verdict("slowest file size / median", spread, 1.5))
    common.finish(kept)


if __name__ == "__main__":
    main()
