"""One law for every reader: for any bytes, however they are cut and compressed, the records are the same and those of a
reader that is not ours; or all refuse, with the place and what to do.
"""

import csv
import io
import json
import re
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
from Bio.SeqIO.FastaIO import SimpleFastaParser
from Bio.SeqIO.QualityIO import FastqGeneralIterator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.odd_inputs import READ, REFUSED, Odd, Sound
from tests.unit.reading import PACKED, Reading, read
from tests.unit.test_formats import csvs, fastas, fastqs, jsons, small_looks, texts  # noqa: F401 - a fixture, used by its name

EXAMPLES = 40  # of each case; the long run has more
SIZES = [{"records_per_task": size} for size in (1, 2, 5, 1000)] + [
    {"bytes_per_task": size} for size in (1, 7, 30, 100_000)
]


def text_of(body: bytes) -> io.StringIO:
    return io.StringIO(body.decode("latin-1"), newline="")


def read_lines(body: bytes) -> list[Any]:
    return io.BytesIO(body).readlines()


def read_csv(body: bytes) -> list[Any]:
    csv.field_size_limit(10**9)
    return list(csv.reader(text_of(body), strict=True))


def read_json(body: bytes) -> list[Any]:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return [json.loads(line.decode(), parse_constant=refuse, parse_int=str) for line in read_lines(body)]


def read_fasta(body: bytes) -> list[Any]:
    assert body.startswith(b">")
    return list(SimpleFastaParser(io.StringIO(body.decode("latin-1"), newline=None)))


def read_fastq(body: bytes) -> list[Any]:
    return list(FastqGeneralIterator(io.StringIO(body.decode("latin-1"), newline=None)))


@dataclass
class Case:
    """A format: how it is split, its reference, sound inputs, and what makes them odd."""

    split: dict[str, Any]
    reference: Callable[[bytes], list[Any]]
    sound: st.SearchStrategy[bytes]
    odd: list[bytes]
    encodings: tuple[str, ...] = tuple(PACKED)
    sizes: list[dict[str, int]] = field(default_factory=lambda: SIZES)
    seldom: float = 0.1  # share of both outcomes at least


ANY = [b"\n", b"\r\n", b"\r", b"\n\n", b"\0", b" ", b"\t", b"\xef\xbb\xbf", b"\xff", b"\xc3\xa9", b"x"]
QUOTED = [b'"', b'""', b'"a\nb"', b",", b'5" disk,', b'"a"b', b', "c"', b'"\r"', b";"]
MARKS = [b"@", b"+", b">", b"@b\nAC\n+\nII\n", b">c\nAC\n", b"@@\n++\n+\n@@\n", b"+\n", b"@a"]
JSON = [b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"[" * 600 + b"]" * 600, b"[", b'"', b"{}", b'{"a":\n1}', b"\\"]
CASES = {
    "lines": Case({"records": "lines"}, read_lines, texts(), [*ANY, b"\r\r"], seldom=0.05),
    "lines with a header": Case({"records": "lines", "header": True}, read_lines, texts(), ANY, seldom=0.05),
    "csv": Case({"records": "csv"}, read_csv, csvs(), ANY + QUOTED),
    "csv with a header": Case({"records": "csv", "header": True}, read_csv, csvs(), ANY + QUOTED),
    "jsonl": Case({"records": "jsonl"}, read_json, jsons(), ANY + JSON),
    "fasta": Case({"records": "fasta"}, read_fasta, fastas(), ANY + MARKS),
    "fastq": Case({"records": "fastq"}, read_fastq, fastqs(), ANY + MARKS),
    "fixed": Case(
        {"records": "fixed", "record_bytes": 3, "header_bytes": 2},
        lambda body: [body[:2], *struct.iter_unpack("3s", body[2:])],
        st.integers(0, 20).flatmap(lambda size: st.binary(min_size=2 + 3 * size, max_size=2 + 3 * size)),
        [b"abc", b"a"],
        encodings=("plain",),
    ),
    "whole": Case({"records": "whole"}, lambda body: [body], texts(), ANY, encodings=("plain",), sizes=[{}], seldom=0),
}


def spoilt(case: Case) -> st.SearchStrategy[bytes]:
    """Return inputs that are sound, or are so but for a few bytes put in, taken out or encoded otherwise."""

    def spoil(body: bytes, inserts: list[tuple[float, bytes]], cut: tuple[int, int], how: str) -> bytes:
        for share, piece in inserts:
            place = int(share * len(body))
            body = body[:place] + piece + body[place:]
        body = body[cut[0] : len(body) - cut[1]]
        if how == "cr":
            return body.replace(b"\r\n", b"\n").replace(b"\n", b"\r")
        return body if how == "as it is" else body.decode("latin-1").encode(how)

    inserts = st.just([]) | st.lists(st.tuples(st.floats(0, 1), st.sampled_from(case.odd)), min_size=1, max_size=2)
    cuts = st.just((0, 0)) | st.tuples(st.integers(0, 2), st.integers(0, 6))
    encodings = ["as it is"] * 12 + ["cr", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-8-sig"]
    return st.builds(spoil, case.sound, inserts, cuts, st.sampled_from(encodings)).filter(bool)


def readings(case: Case, body: bytes, member: int) -> dict[str, Reading]:
    """Return what comes of a file for every way to cut it and to compress it."""
    return {
        f"{encoding} {size}": read({**case.split, **size}, PACKED[encoding](body, member))
        for encoding, size in product(case.encodings, case.sizes)
    }


def check_refusal(text: str) -> None:
    assert re.search(r"\bbyte [0-9]+", text), text
    assert "\n" not in text
    assert re.search(r"(\. |\? )[A-Z]", text), text  # a sentence of what to do
    assert not re.search(r"Error|zlib|codec|<class", text), text


def header_of(body: bytes, chunks: tuple[bytes, ...]) -> int:
    """Return how many bytes stand before each chunk's own."""
    return (sum(map(len, chunks)) - len(body)) // (len(chunks) - 1) if len(chunks) > 1 else 0


def check_records(case: Case, body: bytes, reading: Reading) -> None:
    """Hold records that were read against the reference: of the whole file, and of each task."""
    ahead = header_of(body, reading.chunks)
    header = body[:ahead]
    assert all(chunk.startswith(header) for chunk in reading.chunks)
    assert header + b"".join(chunk[ahead:] for chunk in reading.chunks) == body
    whole = case.reference(body)
    has_header = case.split.get("header") or "header_bytes" in case.split
    assert reading.records == len(whole) - bool(has_header)
    assert reading.counted in (None, reading.records)
    if len(reading.chunks) > 1:
        apart = [case.reference(chunk) for chunk in reading.chunks]
        behind = [records[1:] for records in apart] if has_header else apart
        assert [record for records in behind for record in records] == (whole[1:] if has_header else whole)


def outcome(case: Case, body: bytes, member: int) -> str:
    """Hold the law for a file; return what became of it."""
    found = readings(case, body, member)
    refused = {way: reading.refusal for way, reading in found.items() if reading.refusal}
    assert len(refused) in (0, len(found)), (body, refused)
    for text in refused.values():
        check_refusal(text)
    for reading in found.values():
        if not refused:
            check_records(case, body, reading)
    return "refused" if refused else "read"


def hold(case: Case, examples: int) -> Counter[str]:
    """Hold the law for so many files; return how many were read, and how many refused."""
    outcomes: Counter[str] = Counter()

    @settings(
        max_examples=examples, derandomize=True, database=None, suppress_health_check=list(HealthCheck), deadline=None
    )
    @given(body=spoilt(case), member=st.integers(1, 90))
    def one_law(body: bytes, member: int) -> None:
        outcomes[outcome(case, body, member)] += 1

    one_law()
    return outcomes


@pytest.mark.parametrize("name", CASES)
def test_all_ways_to_cut_give_the_same_records_or_all_refuse(name: str) -> None:
    outcomes = hold(CASES[name], EXAMPLES)
    fewest = CASES[name].seldom * outcomes.total()
    assert outcomes["read"] >= fewest
    assert outcomes["refused"] >= fewest


@pytest.mark.parametrize("name", [name for name in CASES if len(CASES[name].encodings) > 1])
def test_files_known_to_be_odd_are_read_or_refused_in_every_way(name: str) -> None:
    case = CASES[name]
    asked = {"header": False, **case.split}
    known = [(odd.body, "refused") for odd in REFUSED.values() if has_format(odd, asked)]
    known += [(sound.body, "read") for sound in READ.values() if has_format(sound, asked)]
    assert known
    for body, becomes in known:
        assert outcome(case, body, 50) == becomes, body[:99]


def has_format(file: Odd | Sound, asked: dict[str, Any]) -> bool:
    """Return whether a file is of a format, and not compressed: that is done to it in every way."""
    is_alike = all(file.split.get(field, False) == asked[field] for field in ("records", "header"))
    return is_alike and not file.body.startswith(b"\x1f\x8b") and len(file.body) < 10_000
