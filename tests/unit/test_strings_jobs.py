"""The jobs of the strings pipeline, held against the plainest way of doing it: line by line, in memory."""

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_jobs.strings import blocks, jobs
from gristmill.errors import Refused

CHARACTERS = ["\n", "\r\n", "\r", "a", "bc", "é", "挽", "🌾", "e\u0301", "\x00", "\u2028", "\x85", " "]
TEXTS = st.lists(st.sampled_from(CHARACTERS), max_size=80).map("".join)


def lines_of(text):
    """Yield each line and its end; only LF ends a line, and a carriage return before it belongs to the end."""
    pieces = text.split("\n")
    for piece in pieces[:-1]:
        yield (piece[:-1], "\r\n") if piece.endswith("\r") else (piece, "\n")
    yield pieces[-1], ""


def run(job, data):
    sink = io.BytesIO()
    job(io.BytesIO(data), sink, {})
    return sink.getvalue()


# a block of 4 bytes at least: the real one holds any character, too
BLOCKS = st.integers(4, 40)


@given(text=TEXTS, block=BLOCKS, long=st.integers(1, 40))
def test_repeat_is_line_by_line_repetition_for_any_block(text, block, long):
    with pytest.MonkeyPatch.context() as patch:
        set_sizes(patch, block, long)
        assert run(jobs.repeat, text.encode()) == "".join(line + line + end for line, end in lines_of(text)).encode()


@given(text=TEXTS, block=BLOCKS, long=st.integers(1, 40))
def test_reverse_is_line_by_line_reversal_for_any_block(text, block, long):
    with pytest.MonkeyPatch.context() as patch:
        set_sizes(patch, block, long)
        assert run(jobs.reverse, text.encode()) == "".join(line[::-1] + end for line, end in lines_of(text)).encode()


def set_sizes(patch, block, long):
    patch.setattr(blocks, "BLOCK", block)
    patch.setattr(jobs, "BLOCK", block)
    patch.setattr(blocks, "_LONG", long)


@given(before=TEXTS, after=TEXTS, block=BLOCKS, long=st.integers(1, 40))
def test_reverse_names_a_bad_byte_and_its_line_or_a_later_one_of_the_same_line(before, after, block, long):
    data = before.encode() + b"\xff" + after.encode()
    with pytest.MonkeyPatch.context() as patch:
        set_sizes(patch, block, long)
        with pytest.raises(Refused, match=rf"at byte {len(before.encode())} .* line {before.count(chr(10)) + 1} "):
            run(jobs.reverse, data)


@given(data=st.binary(max_size=60), block=BLOCKS, long=st.integers(1, 40))
def test_reverse_takes_exactly_what_is_utf8(data, block, long):
    with pytest.MonkeyPatch.context() as patch:
        set_sizes(patch, block, long)
        try:
            data.decode()
        except UnicodeDecodeError:
            with pytest.raises(Refused, match="not UTF-8"):
                run(jobs.reverse, data)
        else:
            run(jobs.reverse, data)


def test_repeat_takes_any_bytes():
    assert run(jobs.repeat, b"\xff\x00\n\xfe") == b"\xff\x00\xff\x00\n\xfe\xfe"


class Nowhere(io.RawIOBase):
    size = 0

    def writable(self):
        return True

    def write(self, data):
        self.size += len(data)
        return len(data)


class GiantLine(io.RawIOBase):
    """100 MB of two-byte characters without a line end."""

    left = 100_000_000

    def readable(self):
        return True

    def read(self, size=-1):
        size = min(size, self.left)
        self.left -= size
        return ("é".encode() * (size // 2 + 1))[:size]


@pytest.mark.parametrize(("job", "times"), [(jobs.repeat, 2), (jobs.reverse, 1)])
def test_a_giant_line_needs_little_memory(job, times):
    sink = Nowhere()
    tracemalloc.start()
    job(GiantLine(), sink, {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sink.size == times * 100_000_000
    assert peak < 40 * 1024**2
