"""The calls of a VCF, and the depth of reads, as the report reads them."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_TRANSITIONS = {"AG", "GA", "CT", "TC"}


@dataclass(frozen=True)
class Call:
    """A call of one sample: where, what, how sure, and the reads that say it and that do not."""

    contig: str
    position: int
    ref: str
    alt: str
    quality: float
    genotype: str
    depth: int
    reads: tuple[int, int]  # of the reference, and of the first alternative

    @property
    def kind(self) -> str:
        """Return snv, insertion, deletion, or complex where it is none of them."""
        if "," in self.alt:
            return "complex"
        if len(self.ref) == len(self.alt):
            return "snv" if len(self.ref) == 1 else "complex"
        return "insertion" if len(self.alt) > len(self.ref) else "deletion"

    @property
    def is_transition(self) -> bool:
        """Return whether it changes a purine for a purine, or a pyrimidine for a pyrimidine."""
        return self.ref + self.alt in _TRANSITIONS

    @property
    def share(self) -> float:
        """Return the share of the reads that have the alternative."""
        return self.reads[1] / (sum(self.reads) or 1)


@dataclass(frozen=True)
class Bin:
    """A piece of a contig and the mean depth of reads in it; `start` counts from 0."""

    contig: str
    start: int
    end: int
    depth: float


def read_calls(source: BinaryIO) -> Iterator[Call]:
    """Yield the calls of a compressed VCF."""
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                yield _call(line.rstrip("\n").split("\t"))


def _call(fields: list[str]) -> Call:
    contig, position, _, ref, alt, quality, _, _, names, values = fields[:10]
    sample = dict(zip(names.split(":"), values.split(":"), strict=True))
    reads = [int(number) for number in sample["AD"].split(",")]
    return Call(
        contig=contig,
        position=int(position),
        ref=ref,
        alt=alt,
        quality=float(quality),
        genotype=sample["GT"],
        depth=int(sample["DP"]),
        reads=(reads[0], reads[1]),
    )


def read_depth(file: Path) -> list[Bin]:
    """Return the bins that `samtools bedcov` has written."""
    rows = (line.split("\t") for line in file.read_text(encoding="utf-8").splitlines())
    return [Bin(name, int(a), int(b), int(total) / (int(b) - int(a))) for name, a, b, total in rows]
