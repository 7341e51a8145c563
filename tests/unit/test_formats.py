"""Every record format, held against a reader that is not ours: no byte is lost, no record is cut."""

import csv
import io
import json
import struct
from itertools import pairwise

import pytest
from Bio.SeqIO.FastaIO import SimpleFastaParser
from Bio.SeqIO.QualityIO import FastqGeneralIterator
from hypothesis import given
from hypothesis import strategies as st

from gristmill.formats import fastq, fastq_records, quoted, quoted_rows, quotes, tokens
from gristmill.formats.fasta import Fasta
from gristmill.formats.fastq import Fastq
from gristmill.formats.fixed import Fixed
from gristmill.formats.json_lines import JsonLines
from gristmill.formats.lines import Lines
from gristmill.formats.quoted import Csv
from gristmill.formats.reader import View
from gristmill.formats.registry import Layout
from gristmill.formats.whole import Items

WORD = st.text("AC>@+ ,", max_size=12)
RESIDUES = st.text("ACGT", max_size=30)
END = st.sampled_from(["\n", "\r\n"])


@st.composite
def fastas(draw):
    end, records = draw(END), draw(st.lists(st.tuples(WORD, st.lists(RESIDUES, max_size=4)), min_size=1, max_size=30))
    return "".join(f">{name}{end}" + "".join(line + end for line in lines) for name, lines in records).encode()


@st.composite
def fastqs(draw):
    end, text = draw(END), ""
    for name, sequence in draw(st.lists(st.tuples(WORD, RESIDUES), min_size=1, max_size=30)):
        quality = draw(st.text("@+IA>", min_size=len(sequence), max_size=len(sequence)))
        again = draw(st.sampled_from(["", name]))
        text += f"@{name}{end}{sequence}{end}+{again}{end}{quality}{end}"
    return (text.removesuffix(end) if sequence and draw(st.booleans()) else text).encode()


@st.composite
def csvs(draw):
    cell = st.text('ab,"\n ', max_size=8)
    rows = draw(st.lists(st.lists(cell, min_size=1, max_size=4), min_size=1, max_size=40))
    text = io.StringIO(newline="")
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    csv.writer(text, quoting=quoting, lineterminator=draw(END)).writerows(rows)
    return text.getvalue().encode()


@st.composite
def jsons(draw):
    value = st.recursive(st.integers() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=3), max_leaves=5)
    return b"".join(json.dumps(item).encode() + b"\n" for item in draw(st.lists(value, min_size=1, max_size=40)))


def read_fasta(text):
    return list(SimpleFastaParser(io.StringIO(text.decode(), newline="\n")))


def read_fastq(text):
    return list(FastqGeneralIterator(io.StringIO(text.decode(), newline=None)))


def read_csv(text):
    return list(csv.reader(io.StringIO(text.decode(), newline="")))


def read_json(text):
    return [json.loads(line) for line in text.split(b"\n") if line]


@st.composite
def texts(draw):
    end, words = draw(END), draw(st.lists(st.text("ab \r", min_size=1, max_size=9), min_size=1, max_size=40))
    text = "".join(word + end for word in words)
    shorter = text.removesuffix(end)
    return (shorter if draw(st.booleans()) and ("\n" in shorter or "\r" not in shorter) else text).encode()


def read_lines(text):
    return io.BytesIO(text).readlines()


def read_structs(text):
    return list(struct.iter_unpack("3s", text))


NOT_TEXT = {
    "fixed": (
        Fixed(Layout(record_bytes=3, header_bytes=0)),
        st.lists(st.binary(min_size=3, max_size=3), min_size=1, max_size=40).map(b"".join),
        read_structs,
    )
}
CASES = {
    "lines": (Lines(), texts(), read_lines),
    "fasta": (Fasta(), fastas(), read_fasta),
    "fastq": (Fastq(), fastqs(), read_fastq),
    "csv": (Csv(), csvs(), read_csv),
    "jsonl": (JsonLines(), jsons(), read_json),
}


def view(text):
    return View(len(text), lambda start, end: text[start:end], lambda start: io.BytesIO(text[start:]))


each_format = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
each_of_all = pytest.mark.parametrize("case", {**CASES, **NOT_TEXT}.values(), ids={**CASES, **NOT_TEXT})


@pytest.fixture(autouse=True, scope="module")
def small_looks():
    """Make blocks and windows so small that every border between them is met."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("_BLOCK", 37), ("_SMALL_BLOCK", 23), ("FEW", 3), ("_STEP_MIN", 5), ("_PROBES", (7, 20))):
            patch.setattr(tokens, name, value)
        patch.setattr(fastq, "_WINDOWS", (16, 64, 256, 10**6))
        patch.setattr(fastq, "_BLOCK", 64)
        patch.setattr(fastq_records, "_BLOCK", 40)
        patch.setattr(quoted, "_BLOCK", 64)
        patch.setattr(quoted_rows, "_BLOCK", 12)
        patch.setattr(quotes, "_SMALL", 8)
        patch.setattr(quotes, "FEW", 3)
        yield


def hold(reader, read, text, cuts, records, feed):
    """Hold cuts against a plain reader of the whole text."""
    assert cuts[0] == 0
    assert cuts[-1] == len(text)
    chunks = [text[low:high] for low, high in pairwise(cuts)]
    assert b"".join(chunks) == text
    assert all(chunks)
    apart = [read(chunk) for chunk in chunks]
    whole = read(text)
    assert [record for part in apart for record in part] == whole
    if records is not None:
        assert records == len(whole)
    assert sum(count(reader, chunk, 0, feed) for chunk in chunks) == len(whole)


def count(reader, chunk, start, feed):
    counter = reader.counter(start)
    for place in range(0, len(chunk), feed):
        counter.feed(chunk[place : place + feed])
    counter.close()
    return counter.records


@each_of_all
@given(data=st.data(), per_task=st.integers(1, 12), feed=st.integers(1, 50))
def test_cuts_by_records(case, data, per_task, feed):
    reader, texts, read = case
    text = data.draw(texts)
    start = reader.begin(view(text))
    cuts, records = reader.by_records(view(text), start, per_task)
    hold(reader, read, text, cuts, records, feed)
    sizes = [len(read(text[low:high])) for low, high in pairwise(cuts)]
    assert set(sizes[:-1]) <= {per_task}
    assert 0 < sizes[-1] <= per_task


@each_of_all
@given(data=st.data(), per_task=st.integers(1, 200), feed=st.integers(1, 50))
def test_cuts_by_bytes(case, data, per_task, feed):
    reader, texts, read = case
    text = data.draw(texts)
    hold(reader, read, text, reader.by_bytes(view(text), reader.begin(view(text)), per_task), None, feed)


ITEMS = st.lists(st.text("ab", min_size=1, max_size=9), min_size=1, max_size=40)


@given(text=st.builds(lambda items, end: end.join(items).encode(), ITEMS, END))
def test_each_item_of_a_list_is_a_task(text):
    cuts, items = Items().by_records(view(text), 0, 1)
    assert [text[low:high] for low, high in pairwise(cuts)] == read_lines(text)
    assert items == len(cuts) - 1
