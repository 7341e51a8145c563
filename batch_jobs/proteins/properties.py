"""Properties of each protein, as Biopython's ProtParam computes them; what is none of the 20 residues is flagged.

Gaps (`-` and `.`) and stops (`*`) are no residues: they are left out and flagged with their number. Other letters
(B J O U X Z, and what is no letter) have no mass or charge that ProtParam knows: they count as residues, and the
values that depend on them stay empty, or are those of the remaining residues where `nonstandard` is `left-out`.
"""

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import Any, BinaryIO

from Bio.SeqIO.FastaIO import SimpleFastaParser
from Bio.SeqUtils.ProtParam import ProteinAnalysis

from .columns import COLUMNS, PERCENTS, RESIDUES, VALUES

_GAPS, _STOP = "-.", "*"
_NO_RESIDUES = str.maketrans("", "", _GAPS + _STOP)
_CAPITALS = str.maketrans(ascii_lowercase, ascii_uppercase)  # `upper` would make SS of a sharp s
_EMPTY = ("",) * len(VALUES)


def analyse(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write a line of properties for each sequence, below the names of the columns."""
    sink.write("\t".join(COLUMNS).encode() + b"\n")
    text = io.TextIOWrapper(source, encoding="utf-8", errors="surrogateescape")
    for title, sequence in SimpleFastaParser(text):
        row = properties(sequence, parameters["nonstandard"] == "left-out")
        # a byte that is no UTF-8 stays readable: a name is never a reason to fail
        sink.write("\t".join([name(title), *row]).encode(errors="backslashreplace") + b"\n")


def name(title: str) -> str:
    """Return a sequence's id: what comes before the first white space."""
    return "".join(title.split(maxsplit=1)[:1])


def properties(sequence: str, leave_out: bool) -> Iterator[str]:
    """Yield the fields of a sequence behind its id. Numbers have every digit, so that they read back as they were."""
    read = cleaned(sequence)
    protein = ProteinAnalysis(read.residues.encode("ascii", "replace").decode())  # one character for each
    yield str(protein.length)
    rest = ProteinAnalysis(read.standard) if leave_out else protein
    is_known = leave_out or len(read.standard) == protein.length
    yield from values(rest) if read.standard and is_known else _EMPTY
    yield from map(repr, protein.amino_acids_percent.values()) if protein.length else ("",) * len(PERCENTS)
    yield ";".join(read.flags)


def values(protein: ProteinAnalysis) -> tuple[str, ...]:
    """Return the values of a protein of the 20 residues, in the order of VALUES."""
    found = (protein.molecular_weight(), protein.isoelectric_point(), protein.gravy(), protein.instability_index())
    return tuple(map(repr, found))


@dataclass(frozen=True)
class Cleaned:
    """A sequence's residues, those of them that are standard, and what is to be said of it."""

    residues: str
    standard: str
    flags: list[str]


def cleaned(sequence: str) -> Cleaned:
    """Return a sequence in capitals without what is no residue."""
    capitals = "".join(sequence.split()).translate(_CAPITALS)
    residues = capitals.translate(_NO_RESIDUES)
    others = Counter(residues)
    for residue in RESIDUES:
        others.pop(residue, None)
    standard = residues.translate(str.maketrans("", "", "".join(others))) if others else residues
    found = {
        "gaps": sum(map(capitals.count, _GAPS)),
        "stops": capitals.count(_STOP),
        "nonstandard": ",".join(f"{_shown(letter)}:{count}" for letter, count in sorted(others.items())),
    }
    flags = [f"{what}={how}" for what, how in found.items() if how]
    return Cleaned(residues, standard, flags if residues else [*flags, "empty"])


def _shown(letter: str) -> str:
    return letter if letter in ascii_uppercase else f"U+{ord(letter):04X}"
