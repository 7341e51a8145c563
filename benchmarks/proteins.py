"""200,000 proteins through `proteins` beside one process, and beside Snakemake with the same chunks and two cores.

Every way runs the same code on the same file, one after the other, and must give the same table. Gristmill is timed
from the start of the upload to the mail, on a warm embedded AWS. Needs `make science`, and `make snakemake`.

    python benchmarks/proteins.py [--sequences N] [--without-snakemake]
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import common

from batch_jobs.proteins import sample

CHUNKS = 40
RIVALS = Path(__file__).with_name("rivals")
SNAKEMAKE = common.PROJECT / ".tools" / "snakemake" / "bin" / "snakemake"
STEP = [sys.executable, str(RIVALS / "proteins.py")]


def by_one_process(source: Path, folder: Path) -> float:
    """Return the seconds that one process takes for all steps."""
    folder.mkdir()
    return common.timed([*STEP, "all", str(source), str(folder)], folder)


def by_snakemake(source: Path, folder: Path, sequences: int) -> float:
    """Return the seconds that Snakemake takes."""
    folder.mkdir()
    settings = ["--config", f"input={source}", f"sequences={sequences}", f"step={' '.join(STEP)}"]
    command = [str(SNAKEMAKE), "--cores", "2", "--snakefile", str(RIVALS / "proteins.smk"), "--quiet", "all"]
    return common.timed([*command, *settings], folder)


def measure(mill: common.Mill, sequences: int, folder: Path, snakemake: bool) -> list[bool]:
    """Print the table; return which targets were kept."""
    source, per_task = folder / "bench.faa", -(-sequences // CHUNKS)
    sample.write(source, sequences)
    size = source.stat().st_size / 1024**2
    print(f"{sequences:,} sequences ({size:.0f} MiB), {CHUNKS} chunks, 2 cores; each way once", flush=True)
    shown = by_one_process(source, folder / "one")
    run, ours = mill.run(source, sequences_per_task=per_task)
    expected = folder / "one" / "properties.tsv"
    assert common.same(mill.result(source, run, "properties.tsv"), expected), run
    common.row("gristmill, upload to mail", ours, ours)
    common.row("one process", shown, ours)
    kept = [common.verdict("one process / gristmill", shown / ours, 1.2, at_most=False)]
    if snakemake:
        seconds = by_snakemake(source, folder / "snakemake", per_task)
        assert (folder / "snakemake" / "properties.tsv").read_bytes() == expected.read_bytes()
        common.row("snakemake --cores 2", seconds, ours)
        kept.append(common.verdict("snakemake / gristmill", seconds / ours, 1.0, at_most=False))
    return kept


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=200_000, help="how many (default: 200000)")
    parser.add_argument("--without-snakemake", action="store_true", help="leave that way away")
    arguments = parser.parse_args()
    snakemake = not arguments.without_snakemake
    if snakemake and not SNAKEMAKE.exists():
        parser.error(f"{SNAKEMAKE} is not there: run `make snakemake`, or give --without-snakemake")
    versions = {"snakemake": common.command_version(str(SNAKEMAKE), "--version")} if snakemake else {}
    common.print_machine(**versions)
    with common.mill() as mill, TemporaryDirectory(prefix="gristmill-bench-") as folder:
        kept = measure(replace(mill, pipeline="proteins"), arguments.sequences, Path(folder), snakemake)
    common.finish(kept)


if __name__ == "__main__":
    main()
