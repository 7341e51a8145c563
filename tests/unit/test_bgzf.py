"""BGZF split at its blocks, held against Biopython's writer: no byte of the data is lost, no record is cut."""

import io
from itertools import pairwise

import pytest
from Bio import bgzf as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.enums import Encoding
from gristmill.formats import bgzf
from gristmill.formats.encoding import begin
from gristmill.formats.lines import LineCounter
from gristmill.formats.reader import Malformed
from gristmill.worker.child.feeds import BgzfFeed
from tests.unit.test_formats import CASES, each_format, view


def packed(text: bytes, block: int) -> bytes:
    """Return BGZF with blocks of so many bytes of data."""
    body = io.BytesIO()
    writer = reference.BgzfWriter(fileobj=body)
    for place in range(0, len(text), block):
        writer.write(text[place : place + block])
        writer.flush()
    writer.close = None  # its end would close the stream
    writer.flush()
    return body.getvalue() + reference._bgzf_eof


def data(file: bytes, cuts) -> list[bytes]:
    feed = BgzfFeed(lambda start: io.BytesIO(file[start:]), LineCounter)
    return [feed.chunk(low, high).readall() for low, high in pairwise(cuts)]


@each_format
@settings(max_examples=60, deadline=None)
@given(draw=st.data(), block=st.integers(1, 90), size=st.integers(1, 300), records=st.none() | st.integers(1, 9))
def test_cuts_lose_no_byte_and_cut_no_record(case, draw, block, size, records):
    reader, texts, read = case
    text = draw.draw(texts)
    file = packed(text, block)
    bgzf.check_end(view(file))
    cuts, counted = bgzf.cut(reader, view(file), begin(reader, view(file), Encoding.BGZF), records, size)
    assert cuts[-1] == len(file) << 16
    chunks = data(file, cuts)
    assert b"".join(chunks) == text
    assert [record for chunk in chunks for record in read(chunk)] == read(text)
    if records is not None:
        assert counted == len(read(text))
        assert all(len(read(chunk)) == records for chunk in chunks[:-1])
    # a second try begins anywhere
    assert data(file, cuts[len(cuts) // 2 :]) == chunks[len(cuts) // 2 :]


@pytest.mark.parametrize("broken", ["truncated", "flipped", "rubbish"])
def test_a_broken_block_is_named(broken):
    file = bytearray(packed(b"one\n" * 100, 40))
    place = len(file) // 2
    file = {"truncated": file[: place + 3], "flipped": file, "rubbish": file + b"rubbish"}[broken]
    if broken == "flipped":
        file[22] ^= 0xFF
    with pytest.raises(Malformed, match=r"^byte [0-9]+: .* BGZF block"):
        bgzf.cut(CASES["csv"][0], view(bytes(file)), 0, 3, 0)
