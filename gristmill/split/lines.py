"""Cutting at line ends. A line ends with LF (so CRLF too); the last line may lack its end."""

from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, islice
from typing import BinaryIO

_BLOCK = 4 * 1024**2
_SMALL_BLOCK = 256 * 1024
_PROBES = (64 * 1024, 1024**2)  # bytes of a first look behind a cut, and of a second where a line outgrows it
_PROBES_AT_ONCE = 16
_FEW = 64  # lines per task; so few are cut faster by splitting than by counting
_STEPS_PER_TASK = 32  # steps of counting per task: what is counted twice is about the last step of each
_STEP_MIN, _STEP_MAX = 512, 256 * 1024

Read = Callable[[int, int], bytes]
Check = Callable[[int], None]


def cut_by_records(stream: BinaryIO, per_task: int, check: Check = lambda _: None) -> tuple["array[int]", int]:
    """Scan a stream once; return the fence-posts of chunks of `per_task` lines, and the number of lines.

    `check` sees how many chunks there are after each block, and may end it all.
    """
    cuts, base, wanted, last = array("Q", [0]), 0, per_task, b"\n"
    few = per_task <= _FEW
    while block := stream.read(_SMALL_BLOCK if few else _BLOCK):
        cut = _cut_by_splitting if few else _cut_by_counting
        wanted = cut(block, base, wanted, per_task, cuts)
        base += len(block)
        last = block[-1:]
        check(len(cuts))
    lines = per_task * len(cuts) - wanted + (last != b"\n")
    if cuts[-1] != base:
        cuts.append(base)
    return cuts, lines


def _cut_by_splitting(block: bytes, base: int, wanted: int, per_task: int, cuts: "array[int]") -> int:
    """Append the cuts inside a block; return how many more line ends the next cut wants."""
    lines = block.split(b"\n")
    ends = accumulate((len(line) + 1 for line in lines[:-1]), initial=base)
    cuts.extend(islice(ends, wanted, None, per_task))
    here = len(lines) - 1
    return wanted - here if here < wanted else per_task - (here - wanted) % per_task


def _cut_by_counting(block: bytes, base: int, wanted: int, per_task: int, cuts: "array[int]") -> int:
    """Do as `_cut_by_splitting`; counting is the fastest scan there is, and only the last step to a cut is halved."""
    place, step = 0, _step(base, per_task, cuts)
    while place < len(block):
        found = block.count(b"\n", place, place + step)
        if found < wanted:
            wanted, place = wanted - found, place + step
            continue
        place = _after_line(block, place, place + step, wanted)
        cuts.append(base + place)
        wanted, step = per_task, _step(base + place, per_task, cuts)
    return wanted


def _step(seen: int, per_task: int, cuts: "array[int]") -> int:
    """Return a small share of a task's usual bytes; before the first cut a line is taken to have 32."""
    usual = seen // (len(cuts) - 1) if len(cuts) > 1 else per_task * 32
    return max(_STEP_MIN, min(_STEP_MAX, usual // _STEPS_PER_TASK))


def _after_line(block: bytes, low: int, high: int, wanted: int) -> int:
    """Return where the `wanted`-th line from `low` has ended; it ends before `high`."""
    while wanted > 1 and high - low > 1:
        middle = (low + high) // 2
        found = block.count(b"\n", low, middle)
        if found >= wanted:
            high = middle
        else:
            low, wanted = middle, wanted - found
    return block.index(b"\n", low) + 1


def cut_by_bytes(read: Read, size: int, per_task: int) -> "array[int]":
    """Return the fence-posts of chunks of about `per_task` bytes: a cut is the first line border at or after each
    multiple of `per_task`.

    Only the surroundings of the cuts are read, side by side, and more of a line that outgrows them; where the cuts
    lie so close that this were to read everything many times, everything is read once.
    """
    cuts = _cut_in_passing(read, size, per_task) if per_task < 2 * _PROBES[0] else _cut_by_probing(read, size, per_task)
    if cuts[-1] != size:
        cuts.append(size)
    return cuts


def _cut_in_passing(read: Read, size: int, per_task: int) -> "array[int]":
    cuts, target = array("Q", [0]), per_task
    for base in range(0, size, _BLOCK):
        block = read(base, min(base + _BLOCK, size))
        # a line end just before the target makes the target itself a border
        while target <= base + len(block) and (found := block.find(b"\n", max(target - 1 - base, 0))) >= 0:
            border = base + found + 1
            cuts.append(border)
            target = (border // per_task + 1) * per_task
    return cuts


def _cut_by_probing(read: Read, size: int, per_task: int) -> "array[int]":
    cuts = array("Q", [0])
    targets = iter(range(per_task, size, per_task))
    with ThreadPoolExecutor(_PROBES_AT_ONCE) as pool:
        while batch := list(islice(targets, _PROBES_AT_ONCE)):
            batch = [target for target in batch if target > cuts[-1]]  # a long line may reach beyond many targets
            probes = pool.map(lambda target: _probe(read, target, size), batch)
            for target, border in zip(batch, probes, strict=True):
                if target > cuts[-1]:
                    cuts.append(border or _search(read, target - 1 + sum(_PROBES), size))
    return cuts


def _probe(read: Read, target: int, size: int) -> int | None:
    """Return the first line border at or after `target`, None if the probes do not reach it."""
    start = target - 1
    for length in _PROBES:
        found = read(start, min(start + length, size)).find(b"\n")
        if found >= 0:
            return start + found + 1
        start += length
        if start >= size:
            return size
    return None


def _search(read: Read, start: int, size: int) -> int:
    for low in range(start, size, _BLOCK):
        found = read(low, min(low + _BLOCK, size)).find(b"\n")
        if found >= 0:
            return low + found + 1
    return size
