"""Cutting at line ends, held against the plainest way of doing it."""

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.formats import tokens
from gristmill.formats.reader import Read, View

# Bytes that matter: line ends, carriage returns alone and before them, and others
TEXTS = st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"a", b"bc", b"\xff", b"x" * 40]), max_size=300).map(b"".join)


def seen(read: Read, size: int) -> View:
    return View(size, read, lambda _start: io.BytesIO())


def line_list(text):
    return (
        text.splitlines(keepends=True)
        if b"\r" not in text
        else [piece + b"\n" for piece in text.split(b"\n")[:-1]]
        + ([text.rpartition(b"\n")[2]] if text.rpartition(b"\n")[2] else [])
    )


def fences_by_records(text, per_task):
    fences, all_lines = [0], line_list(text)
    for first in range(0, len(all_lines), per_task):
        fences.append(fences[-1] + len(b"".join(all_lines[first : first + per_task])))
    return fences, len(all_lines)


def fences_by_bytes(text, per_task):
    borders, place = [], 0
    for line in line_list(text):
        place += len(line)
        borders.append(place)
    fences = {0, len(text)}
    fences |= {
        next(border for border in borders if border >= target) for target in range(per_task, len(text), per_task)
    }
    return sorted(fences)


@given(text=TEXTS, per_task=st.integers(1, 200), block=st.integers(1, 64), step=st.integers(1, 16))
def test_cuts_by_records_are_those_of_counting_line_by_line_for_any_block(text, per_task, block, step):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("_BLOCK", block), ("_SMALL_BLOCK", block), ("FEW", 5), ("_STEP_MIN", step)):
            patch.setattr(tokens, name, value)
        cuts, ends, last = tokens.cut_by_records(io.BytesIO(text), per_task)
    count = ends + (last not in (b"\n", b""))
    assert (list(cuts), count) == fences_by_records(text, per_task)


@given(text=TEXTS, per_task=st.integers(1, 200), block=st.integers(1, 64), probe=st.integers(1, 16))
def test_cuts_by_bytes_are_the_next_line_borders_for_any_block_or_probe(text, per_task, block, probe):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "_BLOCK", block)
        patch.setattr(tokens, "_PROBES", (probe, 3 * probe))
        cuts = tokens.cut_by_bytes(seen(lambda start, end: text[start:end], len(text)), per_task)
    assert list(cuts) == fences_by_bytes(text, per_task)


def test_cutting_by_bytes_reads_no_more_of_a_larger_file():
    asked = []

    def read(start, end):
        asked.append(end - start)
        return (b"x" * 99 + b"\n") * ((end - start) // 100 + 1)

    totals = []
    for size in (10**9, 10**13):
        asked.clear()
        tokens.cut_by_bytes(seen(read, size), size // 10)
        totals.append(sum(asked))
    assert totals[0] == totals[1] < 10**6


class GiantLine:
    """A file of a short line, a line of 200 MB and a short line, made as it is read; counts what is read of it."""

    def __init__(self):
        self.size = 200_000_006
        self.read_bytes = 0

    def read(self, start, end):
        self.read_bytes += end - start
        block = bytearray(b"x") * (end - start)
        for place in (2, 200_000_002, 200_000_005):
            if start <= place < end:
                block[place - start] = 10
        return bytes(block)


def test_a_giant_line_is_read_once_and_never_held():
    file = GiantLine()
    tracemalloc.start()
    cuts = tokens.cut_by_bytes(seen(file.read, file.size), 1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert list(cuts) == [0, 200_000_003, 200_000_006]
    assert file.read_bytes < 1.2 * file.size
    assert peak < 60 * 1024**2


def test_cutting_by_records_holds_one_block():
    text = (b"x" * 39 + b"\n") * 1_000_000
    stream = io.BytesIO(text)
    tracemalloc.start()
    cuts, count, _ = tokens.cut_by_records(stream, 10_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(cuts), count) == (101, 1_000_000)
    assert peak < 3 * tokens._BLOCK
