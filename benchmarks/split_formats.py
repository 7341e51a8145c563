"""Splitting beside the readers that people use: MB/s for FASTA, FASTQ and CSV, in one process and one run.

Every reader here does what it needs to find where each 10,000th record begins: Biopython's and csv's by reading the
records, Gristmill's by counting. Cutting by bytes looks only near the cuts (CSV: counts quotes), so its rate is of
the file's size. What tasks count and check as records pass is measured beside. `python benchmarks/split_formats.py
[MB]`; exits with 1 where cutting by bytes is below ten times the speed of the first reader of its format.
"""

import csv
import io
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from Bio.SeqIO import parse
from Bio.SeqIO.FastaIO import SimpleFastaParser
from Bio.SeqIO.QualityIO import FastqGeneralIterator

from gristmill.formats.fasta import Fasta
from gristmill.formats.fastq import Fastq
from gristmill.formats.quoted import Csv
from gristmill.formats.reader import Reader, View

PER_TASK = 10_000
BYTES_PER_TASK = 4 * 1024**2
BLOCK = 64 * 1024  # as most jobs read
WANTED = 10


def fasta(chance: random.Random) -> bytes:
    """Return some proteins, 60 residues a line."""
    records = []
    for number in range(2_000):
        sequence = "".join(chance.choices("ACDEFGHIKLMNPQRSTVWY", k=chance.randint(80, 700)))
        lines = [sequence[place : place + 60] for place in range(0, len(sequence), 60)]
        records.append(f">sp|P{number:05d}|NAME_HUMAN A protein OS=Homo sapiens\n" + "\n".join(lines) + "\n")
    return "".join(records).encode()


def fastq(chance: random.Random) -> bytes:
    """Return some reads of 150 bases."""
    records = []
    for number in range(3_000):
        bases, quality = "".join(chance.choices("ACGT", k=150)), "".join(chance.choices("@FFF:,#", k=150))
        records.append(f"@A00123:45:HABC:1:1101:{number}:1000 1:N:0:ACGT\n{bases}\n+\n{quality}\n")
    return "".join(records).encode()


def table(chance: random.Random) -> bytes:
    """Return some rows with numbers, texts, and a quoted one that now and then holds line ends."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for number in range(10_000):
        note = "first line\nsecond, with a comma" if number % 50 == 0 else f"note {number}, short"
        writer.writerow([number, chance.random(), f"name {number}", note, chance.randint(0, 10**9)])
    return text.getvalue().encode()


def read_all(records: Callable[[io.TextIOWrapper], object]) -> Callable[[Path], int]:
    """Return what counts the records that a reader yields of a file."""

    def count(path: Path) -> int:
        with path.open(newline="") as file:
            return sum(1 for _ in records(file))  # type: ignore[attr-defined, misc]

    return count


def view(path: Path) -> View:
    """Return a view of a file."""

    def read(start: int, end: int) -> bytes:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    def from_place(start: int) -> io.BufferedReader:
        file = path.open("rb")
        file.seek(start)
        return file

    return View(path.stat().st_size, read, from_place)


def by_records(reader: Reader) -> Callable[[Path], int]:
    """Return what cuts a file by records and tells their number."""
    return lambda path: reader.by_records(view(path), reader.begin(view(path)), PER_TASK)[1]


def by_bytes(reader: Reader) -> Callable[[Path], int]:
    """Return what cuts a file by bytes and tells the number of chunks."""
    return lambda path: len(reader.by_bytes(view(path), reader.begin(view(path)), BYTES_PER_TASK)) - 1


def checked(reader: Reader) -> Callable[[Path], int]:
    """Return what counts and checks a file's records as a task does."""

    def count(path: Path) -> int:
        counter = reader.counter(0)
        with path.open("rb") as file:
            for block in iter(lambda: file.read(BLOCK), b""):
                counter.feed(block)
        counter.close()
        return counter.records

    return count


def rate(work: Callable[[Path], int], path: Path) -> tuple[float, int]:
    """Return the best of five runs in MB of the file per second of processor time, and what was counted."""
    best, counted = float("inf"), 0
    for _ in range(5):
        began = time.process_time()
        counted = work(path)
        best = min(best, time.process_time() - began)
    return path.stat().st_size / 1e6 / best, counted


CASES = {
    "FASTA": (fasta, Fasta(), {"SeqIO.parse": lambda f: parse(f, "fasta"), "SimpleFastaParser": SimpleFastaParser}),
    "FASTQ": (
        fastq,
        Fastq(),
        {"SeqIO.parse": lambda f: parse(f, "fastq"), "FastqGeneralIterator": FastqGeneralIterator},
    ),
    "CSV": (table, Csv(), {"csv.reader": csv.reader}),
}


def main(megabytes: int) -> None:
    """Print the table; exit with 1 where a format is below what is wanted."""
    slow = []
    with TemporaryDirectory() as folder:
        for name, (make, reader, others) in CASES.items():
            path = Path(folder) / name
            sample = make(random.Random(1))  # noqa: S311
            path.write_bytes(sample * (megabytes * 1_000_000 // len(sample)))
            measured = {other: rate(read_all(records), path) for other, records in others.items()}
            counted, cut = rate(by_records(reader), path), rate(by_bytes(reader), path)
            passed = rate(checked(reader), path)
            assert {records for _, records in (*measured.values(), counted, passed)} == {counted[1]}
            reference = measured[next(iter(measured))][0]
            for other, (speed, records) in measured.items():
                print(f"{name:6} {other:22} {speed:9,.0f} MB/s            {records:10,} records")
            ways = (
                ("by records", counted, "records"),
                ("by bytes", cut, "chunks"),
                ("as tasks check", passed, "records"),
            )
            for how, (speed, found), what in ways:
                print(f"{name:6} {how:22} {speed:9,.0f} MB/s {speed / reference:8,.1f} x {found:10,} {what}")
            slow += [name] if cut[0] < WANTED * reference else []
    if slow:
        sys.exit(f"below {WANTED} times: {', '.join(slow)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
