"""Writes a genome, variants planted in it, and paired reads of a sample that carries them; the same for the same seed.

python -m batch_jobs.variants.sample FOLDER [--bases 100000] [--depth 30] [--seed 1]
"""

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from .genome import BASES, Variant, carry, make_genome, plant

READ = 150  # bases
_FRAGMENT, _SPREAD = 400, 40  # bases: mean and standard deviation
_ERRORS = 0.004  # of the bases that are read
_GOOD, _POOR = "I", "+"  # qualities: 40 and 10
_DUPLICATES = 0.02  # of the fragments are read twice
_STRANGERS = 0.01  # of the pairs are of another genome
_LINE = 60  # bases of a line of FASTA
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def main(words: Sequence[str] | None = None) -> None:
    """Write the files that the command line asks for."""
    parser = argparse.ArgumentParser(description="Write genome.fa, planted.vcf, reads_1.fastq and reads_2.fastq.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bases", type=int, default=100_000, help="of the genome")
    parser.add_argument("--depth", type=float, default=30, help="reads over each base, on average")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    write(given.folder, given.bases, given.depth, given.seed)


def write(folder: Path, bases: int, depth: float, seed: int) -> list[Variant]:
    """Write a sample's files into a folder; return what was planted."""
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    genome = make_genome(chance, bases)
    planted = plant(chance, genome)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "genome.fa").write_text(
        "".join(_fasta(name, sequence) for name, sequence in genome.items()), encoding="utf-8"
    )
    (folder / "planted.vcf").write_text(vcf(genome, planted), encoding="utf-8")
    copies = [
        carry(sequence, [variant for variant in planted if variant.contig == name], copy)
        for name, sequence in genome.items()
        for copy in (0, 1)
    ]
    pairs = list(_pairs(chance, copies, round(bases * depth / (2 * READ))))
    for mate in (0, 1):
        reads = (f"@pair{n}/{mate + 1}\n{pair[mate]}" for n, pair in enumerate(pairs, 1))
        (folder / f"reads_{mate + 1}.fastq").write_text("".join(reads), encoding="utf-8")
    return planted


def vcf(genome: dict[str, str], variants: Sequence[Variant]) -> str:
    """Return variants as a VCF of one sample."""
    head = ["##fileformat=VCFv4.2", '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    head += [f"##contig=<ID={name},length={len(sequence)}>" for name, sequence in genome.items()]
    head.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tsample")
    rows = [f"{v.contig}\t{v.place + 1}\t.\t{v.ref}\t{v.alt}\t.\t.\t.\tGT\t{v.genotype}" for v in variants]
    return "\n".join([*head, *rows]) + "\n"


def _fasta(name: str, sequence: str) -> str:
    lines = [sequence[start : start + _LINE] for start in range(0, len(sequence), _LINE)]
    return "\n".join([f">{name}", *lines]) + "\n"


def _pairs(chance: random.Random, copies: Sequence[str], count: int) -> Iterator[tuple[str, str]]:
    """Yield pairs of records without names, of fragments of all copies; some are read twice, some are strangers."""
    sizes = [len(copy) for copy in copies]
    fragment = ""
    for number in range(count):
        if number and chance.random() < _DUPLICATES:
            pass  # the fragment before, once more
        elif chance.random() < _STRANGERS:
            fragment = "".join(chance.choices(BASES, k=_FRAGMENT))
        else:
            fragment = _fragment(chance, chance.choices(copies, sizes)[0])
        yield _read(chance, fragment[:READ]), _read(chance, fragment[-READ:].translate(_COMPLEMENT)[::-1])


def _fragment(chance: random.Random, sequence: str) -> str:
    size = min(len(sequence), max(READ, round(chance.gauss(_FRAGMENT, _SPREAD))))
    start = chance.randint(0, len(sequence) - size)
    fragment = sequence[start : start + size]
    return fragment if chance.random() < 0.5 else fragment.translate(_COMPLEMENT)[::-1]


def _read(chance: random.Random, bases: str) -> str:
    """Return what a sequencer makes of bases: a FASTQ record without its first line."""
    made, qualities = list(bases), [_GOOD] * len(bases)
    place = int(chance.expovariate(_ERRORS))
    while place < len(bases):
        made[place], qualities[place] = chance.choice(BASES.replace(bases[place], "")), _POOR
        place += 1 + int(chance.expovariate(_ERRORS))
    return f"{''.join(made)}\n+\n{''.join(qualities)}\n"


if __name__ == "__main__":
    main()
