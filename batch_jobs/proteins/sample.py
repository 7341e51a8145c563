"""Makes a FASTA file of random proteins, the same for the same seed: python -m batch_jobs.proteins.sample OUT.

Residues are as frequent as in UniProtKB/Swiss-Prot, lengths are spread as those of real proteins, and about one
sequence in fifty has something odd: a letter such as X or U, a gap, a stop, or no residue at all.
"""

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

# percent of each residue, from the statistics of UniProtKB/Swiss-Prot, rounded
_FREQUENCIES = {
    "A": 8.3, "R": 5.5, "N": 4.1, "D": 5.5, "C": 1.4, "Q": 3.9, "E": 6.7, "G": 7.1, "H": 2.3, "I": 5.9,
    "L": 9.7, "K": 5.8, "M": 2.4, "F": 3.9, "P": 4.7, "S": 6.6, "T": 5.4, "W": 1.1, "Y": 2.9, "V": 6.9,
}  # fmt: skip
_WIDTH = 60
_ODD = 50  # one sequence in so many is odd
_LENGTHS = 5.7, 0.7  # mean and deviation of the logarithm: a median of 300 residues


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(prog="python -m batch_jobs.proteins.sample", description=__doc__)
    parser.add_argument("out", type=Path, help="the file to write")
    parser.add_argument("--sequences", type=int, default=10_000, help="how many (default: 10000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives another file (default: 1)")
    given = parser.parse_args()
    write(given.out, given.sequences, given.seed)


def write(file: Path, sequences: int, seed: int = 1) -> None:
    """Write so many sequences, wrapped as databases do."""
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    with file.open("wb") as out:
        for number in range(sequences):
            body = b"\n".join(wrapped(sequence(chance)))
            out.write(b">sample%06d random protein\n%b\n" % (number, body))


def sequence(chance: random.Random) -> bytes:
    """Return a random protein."""
    residues = chance.randbytes(min(35_000, max(8, int(chance.lognormvariate(*_LENGTHS))))).translate(_TABLE)
    if chance.randrange(_ODD):
        return residues
    if not chance.randrange(10):
        return b""
    place = chance.randrange(len(residues))
    return residues[:place] + chance.choice((b"X", b"B", b"Z", b"J", b"U", b"O", b"---", b"*")) + residues[place:]


def wrapped(text: bytes) -> Iterator[bytes]:
    """Yield a sequence's lines."""
    for start in range(0, len(text), _WIDTH):
        yield text[start : start + _WIDTH]


def _table() -> bytes:
    """Return which residue each of the 256 bytes stands for."""
    total = sum(_FREQUENCIES.values())
    table, share = b"", 0.0
    for residue, percent in _FREQUENCIES.items():
        share += percent / total
        table = table.ljust(round(256 * share), residue.encode())
    return table


_TABLE = _table()

if __name__ == "__main__":
    main()
