"""BGZF split at its blocks, held against Biopython's writer: no byte of the data is lost, no record is cut."""

import io
import struct
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.enums import Encoding
from gristmill.formats import bgzf
from gristmill.formats.blocks import MAGIC
from gristmill.formats.encoding import begin
from gristmill.formats.lines import LineCounter, Lines
from gristmill.formats.reader import Malformed
from gristmill.worker.child.feeds import BgzfFeed
from tests.unit.reading import bgzip
from tests.unit.test_formats import CASES, each_format, view


def data(file: bytes, cuts) -> list[bytes]:
    feed = BgzfFeed(lambda start: io.BytesIO(file[start:]), LineCounter)
    return [feed.chunk(low, high).readall() for low, high in pairwise(cuts)]


@each_format
@settings(max_examples=60, deadline=None)
@given(draw=st.data(), block=st.integers(1, 90), size=st.integers(1, 300), records=st.none() | st.integers(1, 9))
def test_cuts_lose_no_byte_and_cut_no_record(case, draw, block, size, records):
    reader, texts, read = case
    text = draw.draw(texts)
    file = bgzip(text, block)
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
    file = bytearray(bgzip(b"one\n" * 100, 40))
    place = len(file) // 2
    file = {"truncated": file[: place + 3], "flipped": file, "rubbish": file + b"rubbish"}[broken]
    if broken == "flipped":
        file[22] ^= 0xFF
    with pytest.raises(Malformed, match=r"^byte [0-9]+: .* BGZF block"):
        bgzf.cut(CASES["csv"][0], view(bytes(file)), 0, 3, 0)


def stored(data: bytes) -> bytes:
    """Return a BGZF block that holds its data uncompressed."""
    packer = zlib.compressobj(0, zlib.DEFLATED, -15)
    body = packer.compress(data) + packer.flush()
    size = struct.pack("<H", 18 + len(body) + 8 - 1)
    return (
        MAGIC + bytes(4) + b"\x00\xff\x06\x00BC\x02\x00" + size + body + struct.pack("<II", zlib.crc32(data), len(data))
    )


@pytest.mark.parametrize("size", [1_000, 30_000, 65_536, 100_000])
def test_blocks_within_a_block_are_no_border(size):
    inner = bgzip(b"inner\n" * 9_000, 600)[:-28]
    texts = [b"outer\n" + inner + b"\n"] * 9
    file = b"".join(map(stored, texts)) + stored(b"")
    assert inner.count(MAGIC) > 80
    assert len(inner) < 60_000
    cuts, _ = bgzf.cut(Lines(), view(file), 0, None, size)
    assert b"".join(data(file, cuts)) == b"".join(texts)
    assert {cut >> 16 for cut in cuts} <= {place * len(stored(texts[0])) for place in range(10)} | {len(file)}
