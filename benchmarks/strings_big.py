"""20 million lines (800 MB) through both branches of `strings` in 10 chunks, beside the same xargs script.

Both do the same work on the same input, one after the other, and must give the same bytes. Peak memory is that of
each process (VmHWM), looked at 20 times a second; Linux only. Needs about 6 GB of free space in TMPDIR.

    python benchmarks/strings_big.py [--lines 20000000]
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import common
from memory import Watch
from strings_small import by_xargs

CHUNKS = 10


def measure(mill: common.Mill, source: Path, lines: int, expected: Path) -> list[bool]:
    """Measure both ways; return which targets were kept."""
    xargs = by_xargs(source, lines // CHUNKS, expected)
    with Watch(mill.pid) as watch:
        run, ours = mill.run(source, lines_per_task=lines // CHUNKS)
    for result in ("repeat.txt", "reverse.txt"):
        assert common.same(mill.result(source, run, result), expected / result), f"run {run}: {result}"
    print(f"{lines:,} lines, {lines * common.LINE_BYTES / 1e6:,.0f} MB, {CHUNKS} chunks, {2 * CHUNKS} tasks")
    common.row("gristmill, upload to mail", ours, ours)
    common.row("split + xargs -P2 + sh", xargs, ours)
    kept = [common.verdict("gristmill / xargs", ours / xargs, 3.0)]
    for name, peak in sorted(watch.peaks.items()):
        print(f"  peak memory of {name:<32} {peak:8.0f} MiB")
    kept.append(common.verdict("MiB of the largest child", watch.peaks["child"], 200))
    kept.append(common.verdict("MiB of Split", watch.peaks["Split"], 150))
    return kept


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=20_000_000)
    lines = parser.parse_args().lines
    common.print_machine(xargs=common.command_version("xargs", "--version").split()[-1])
    with TemporaryDirectory(prefix="gristmill-bench-") as name, common.mill() as mill:
        folder = Path(name)
        common.write_lines(folder / "lines.txt", lines)
        (folder / "expected").mkdir()
        kept = measure(mill, folder / "lines.txt", lines, folder / "expected")
    common.finish(kept)


if __name__ == "__main__":
    main()
