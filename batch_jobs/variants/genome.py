"""A genome of chance, its planted variants, and the two copies of it that a sample carries."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

BASES = "ACGT"
_TRANSITION = {"A": "G", "G": "A", "C": "T", "T": "C"}
_TRANSITIONS = 2 / 3  # of the planted substitutions, so that their ratio to transversions is 2, as in people
_INDELS = 0.15  # of the planted variants
_INDEL_MAX = 6  # bases
_SPACING = 400  # bases from one variant to the next, on average
_APART = 25  # bases, at least
_BOTH = 0.4  # of the variants lie on both copies


@dataclass(frozen=True)
class Variant:
    """A change as VCF writes it: `place` counts from 0; `copies` are those of the two that carry it."""

    contig: str
    place: int
    ref: str
    alt: str
    copies: tuple[int, ...]

    @property
    def genotype(self) -> str:
        """Return the genotype, without phase."""
        return "1/1" if len(self.copies) > 1 else "0/1"


def make_genome(chance: random.Random, bases: int) -> dict[str, str]:
    """Return contigs by name: one of three quarters of the bases, and a shorter one."""
    sizes = {"chr1": bases - bases // 4, "chr2": bases // 4}
    return {name: "".join(chance.choices(BASES, k=size)) for name, size in sizes.items()}


def plant(chance: random.Random, genome: Mapping[str, str]) -> list[Variant]:
    """Return variants in the order of the genome, each apart from its neighbours."""
    planted: list[Variant] = []
    for contig, sequence in genome.items():
        place = _SPACING // 2
        while place < len(sequence) - _SPACING // 2:
            planted.append(_variant(chance, contig, sequence, place))
            place += _APART + round(chance.expovariate(1 / (_SPACING - _APART)))
    return planted


def _variant(chance: random.Random, contig: str, sequence: str, place: int) -> Variant:
    copies = (0, 1) if chance.random() < _BOTH else (chance.randrange(2),)
    if chance.random() >= _INDELS:
        ref = sequence[place]
        others = [base for base in BASES if base not in (ref, _TRANSITION[ref])]
        alt = _TRANSITION[ref] if chance.random() < _TRANSITIONS else chance.choice(others)
        return Variant(contig, place, ref, alt, copies)
    size = chance.randint(1, _INDEL_MAX)
    if chance.random() < 0.5:  # as many deletions as insertions
        place, lost = _leftmost(sequence, place, sequence[place + 1 : place + 1 + size])
        return Variant(contig, place, sequence[place] + lost, sequence[place], copies)
    place, more = _leftmost(sequence, place, "".join(chance.choices(BASES, k=size)))
    return Variant(contig, place, sequence[place], sequence[place] + more, copies)


def _leftmost(sequence: str, place: int, changed: str) -> tuple[int, str]:
    """Return the base before the leftmost place where the same bases may be lost or come in, and those bases there."""
    while changed[-1] == sequence[place]:
        changed, place = sequence[place] + changed[:-1], place - 1
    return place, changed


def carry(sequence: str, variants: list[Variant], copy: int) -> str:
    """Return one copy of a contig, with its variants."""
    made, done = [], 0
    for variant in variants:
        if copy in variant.copies:
            made += [sequence[done : variant.place], variant.alt]
            done = variant.place + len(variant.ref)
    return "".join([*made, sequence[done:]])
