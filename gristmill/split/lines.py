"""Cutting at line ends. A line ends with LF (so CRLF too); the last line may lack its end."""

from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from typing import BinaryIO

_BLOCK = 4 * 1024**2
_PROBE = 64 * 1024
_PROBES_AT_ONCE = 16
_FEW = 16  # so many line ends are found faster one by one than by halving

Read = Callable[[int, int], bytes]


def cut_by_records(stream: BinaryIO, per_task: int) -> tuple["array[int]", int]:
    """Scan a stream once; return the fence-posts of chunks of `per_task` lines, and the number of lines."""
    cuts, base, lines, wanted, last = array("Q", [0]), 0, 0, per_task, b"\n"
    while block := stream.read(_BLOCK):
        here = block.count(b"\n")
        lines += here
        wanted = _cut_block(block, base, here, wanted, per_task, cuts)
        base += len(block)
        last = block[-1:]
    if cuts[-1] != base:
        cuts.append(base)
    return cuts, lines + (last != b"\n")


def _cut_block(block: bytes, base: int, here: int, wanted: int, per_task: int, cuts: "array[int]") -> int:
    """Append the cuts inside a block that has `here` line ends; return how many more the next cut wants."""
    place, width = 0, len(block) // (here or 1) + 1
    while here >= wanted:
        place = _after_line(block, place, wanted, width)
        cuts.append(base + place)
        here -= wanted
        wanted = per_task
    return wanted - here


def _after_line(block: bytes, low: int, wanted: int, width: int) -> int:
    """Return where the `wanted`-th line from `low` has ended; `width` is the usual length of a line."""
    high = low
    while True:  # find a window that holds it: counting is fast, so a guess that falls short costs little
        low, high = high, high + wanted * width + _FEW
        found = block.count(b"\n", low, high)
        if found >= wanted:
            break
        wanted -= found
    while wanted > _FEW:
        middle = (low + high) // 2
        found = block.count(b"\n", low, middle)
        if found >= wanted:
            high = middle
        else:
            low, wanted = middle, wanted - found
    for _ in range(wanted):
        low = block.index(b"\n", low) + 1
    return low


def cut_by_bytes(read: Read, size: int, per_task: int) -> "array[int]":
    """Return the fence-posts of chunks of at least `per_task` bytes that end where a line does.

    Only the surroundings of the cuts are read: a probe for each, side by side, and more of a line that outgrows it.
    """
    if per_task < _PROBE:
        read = _by_blocks(read, size)
    cuts = array("Q", [0])
    targets = iter(range(per_task, size, per_task))
    with ThreadPoolExecutor(_PROBES_AT_ONCE) as pool:
        while batch := list(islice(targets, _PROBES_AT_ONCE)):
            batch = [target for target in batch if target > cuts[-1]]
            probes = pool.map(lambda target: _probe(read, target, size), batch)
            for target, border in zip(batch, probes, strict=True):
                if target > cuts[-1]:
                    cuts.append(border or _search(read, target + _PROBE - 1, size))
    if cuts[-1] != size:
        cuts.append(size)
    return cuts


def _probe(read: Read, target: int, size: int) -> int | None:
    """Return the first line border at or after `target`, None if the probe does not reach it."""
    start = target - 1  # a line end just before the target makes the target itself a border
    found = read(start, min(start + _PROBE, size)).find(b"\n")
    return None if found < 0 else start + found + 1


def _search(read: Read, start: int, size: int) -> int:
    for low in range(start, size, _BLOCK):
        found = read(low, min(low + _BLOCK, size)).find(b"\n")
        if found >= 0:
            return low + found + 1
    return size


def _by_blocks(read: Read, size: int) -> Read:
    """Serve small reads from a few whole blocks: cuts closer than a probe would read everything many times."""

    @lru_cache(maxsize=4)
    def block(number: int) -> bytes:
        return read(number * _BLOCK, min((number + 1) * _BLOCK, size))

    def served(start: int, end: int) -> bytes:
        first, last = start // _BLOCK, (end - 1) // _BLOCK
        joined = b"".join(block(number) for number in range(first, last + 1))
        return joined[start - first * _BLOCK : end - first * _BLOCK]

    return served
