"""100,000 lines through both branches of `strings`, in 10 and in 1,000 chunks, beside xargs and Snakemake.

Every way does the same work on the same input, one after the other, and must give the same bytes. Gristmill is timed
from the start of the upload to the mail, on a warm embedded AWS. Snakemake lives in an environment of its own, never
in the product's: `make snakemake` puts it into `.tools/snakemake` (a bare `pip install snakemake==9.27.1`).

    python benchmarks/strings_small.py [--without-snakemake]
"""

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import common

LINES = 100_000
CHUNKS = (10, 1000)
ROUNDS = 5
RIVALS = Path(__file__).with_name("rivals")
SNAKEMAKE = common.PROJECT / ".tools" / "snakemake" / "bin" / "snakemake"


def by_xargs(source: Path, lines: int, folder: Path) -> float:
    """Return the seconds that the script takes."""
    return common.timed([str(RIVALS / "xargs.sh"), str(source), str(lines)], folder)


def by_snakemake(source: Path, lines: int, folder: Path) -> float:
    """Return the seconds that Snakemake takes."""
    settings = ["--config", f"input={source}", f"lines={lines}"]
    command = [str(SNAKEMAKE), "--cores", "2", "--snakefile", str(RIVALS / "Snakefile"), "--quiet", "all"]
    return common.timed([*command, *settings], folder)


def in_new_folder(way: Callable[[Path, int, Path], float], source: Path, lines: int, expected: Path | None) -> float:
    """Run a way in an empty folder; hold its results against those expected."""
    with TemporaryDirectory(prefix="gristmill-bench-") as name:
        folder = Path(name)
        seconds = way(source, lines, folder)
        for result in ("repeat.txt", "reverse.txt") if expected else ():
            assert (folder / result).read_bytes() == (expected / result).read_bytes(), f"{way.__name__}: {result}"
    return seconds


def measure(mill: common.Mill, chunks: int, folder: Path, snakemake: bool) -> list[bool]:
    """Measure one number of chunks; return which targets were kept."""
    source, lines = folder / "lines.txt", LINES // chunks
    common.write_lines(source, LINES)
    expected = folder / f"expected-{chunks}"
    expected.mkdir()
    by_xargs(source, lines, expected)
    ours, xargs = [], []
    for _ in range(ROUNDS):  # turn by turn, so that a busy moment of the machine meets both
        run, seconds = mill.run(source, lines_per_task=lines)
        ours.append(seconds)
        xargs.append(in_new_folder(by_xargs, source, lines, expected))
        for result in ("repeat.txt", "reverse.txt"):
            assert common.same(mill.result(source, run, result), expected / result), f"run {run}: {result}"
    print(f"{LINES:,} lines, {chunks:,} chunks, {2 * chunks:,} tasks; median of {ROUNDS} (least, most)", flush=True)
    base = statistics.median(ours)
    common.row(f"gristmill, upload to mail ({min(ours):.2f}, {max(ours):.2f})", base, base)
    common.row(f"split + xargs -P2 + sh ({min(xargs):.2f}, {max(xargs):.2f})", statistics.median(xargs), base)
    kept = [common.verdict("seconds with 10 chunks", base, 2.0)] if chunks == 10 else []
    if chunks == 1000:
        kept.append(common.verdict("gristmill / xargs", base / statistics.median(xargs), 1.0))
    if snakemake:
        seconds = in_new_folder(by_snakemake, source, lines, expected)
        common.row("snakemake --cores 2 (once)", seconds, base)
        if chunks == 1000:
            kept.append(common.verdict("snakemake / gristmill", seconds / base, 50.0, at_most=False))
    print(flush=True)
    return kept


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without-snakemake", action="store_true", help="leave the slowest way away")
    snakemake = not parser.parse_args().without_snakemake
    if snakemake and not SNAKEMAKE.exists():
        parser.error(f"{SNAKEMAKE} is not there: run `make snakemake`, or give --without-snakemake")
    versions = {"snakemake": common.command_version(str(SNAKEMAKE), "--version")} if snakemake else {}
    common.print_machine(xargs=common.command_version("xargs", "--version").split()[-1], **versions)
    with common.mill() as mill, TemporaryDirectory(prefix="gristmill-bench-") as folder:
        kept = [item for chunks in CHUNKS for item in measure(mill, chunks, Path(folder), snakemake)]
    common.finish(kept)


if __name__ == "__main__":
    main()
