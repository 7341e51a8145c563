"""Cutting at tokens: a record begins with the byte after a token's first, which is a line end."""

from array import array
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import BinaryIO, Protocol

from gristmill.formats.bounds import check_tasks
from gristmill.formats.reader import Read, View
from gristmill.parallel import Together, together

_BLOCK = 1 * 1024**2
_SMALL_BLOCK = 256 * 1024
_PROBES = (64 * 1024, 1024**2)  # bytes of a first look behind a cut, and of a second where a record outgrows it
_PROBES_AT_ONCE = 16
FEW = 64  # records per task; so few are cut faster by splitting than by counting
_STEPS_PER_TASK = 32  # steps of counting per task: what is counted twice is about the last step of each
_STEP_MIN, _STEP_MAX = 1024, 256 * 1024
_SAMPLE, _RARE = 4096, 128  # bytes looked at for how rare a byte is; once in so many is rare
LINE_END = b"\n"


def cut_by_records(
    stream: BinaryIO, per_task: int, token: bytes = LINE_END, start: int = 0
) -> tuple["array[int]", int, bytes]:
    """Scan a stream that begins at `start` once; return the fence-posts of chunks of `per_task` records, the number of
    tokens, and the last byte.
    """
    cuts, base, wanted, last = array("Q", [start]), start, per_task, b""
    size = _SMALL_BLOCK if per_task <= FEW else _BLOCK
    while block := stream.read(size):
        if last and last + block[:1] == token:  # a token of two on the border of two blocks
            wanted -= 1
            if not wanted:
                cuts.append(base)
                wanted = per_task
        wanted = append_cuts(block, base, wanted, per_task, cuts, token)
        check_tasks(len(cuts))
        base += len(block)
        last = block[-1:]
    tokens = per_task * len(cuts) - wanted
    if cuts[-1] != base:
        cuts.append(base)
    return cuts, tokens, last


def append_cuts(
    block: bytes, base: int, wanted: int, per_task: int, cuts: "array[int]", token: bytes = LINE_END
) -> int:
    """Append the cuts inside a block that begins at `base`; return how many more tokens the next cut wants."""
    cut = _cut_by_splitting if per_task <= FEW else _cut_by_counting
    return cut(block, base, wanted, per_task, cuts, token)


def _cut_by_splitting(block: bytes, base: int, wanted: int, per_task: int, cuts: "array[int]", token: bytes) -> int:
    """Split the block, and add up the lengths of its pieces."""
    pieces = block.split(token)
    length = len(token)
    ends = accumulate((len(piece) + length for piece in pieces[:-1]), initial=base + 1 - length)
    cuts.extend(islice(ends, wanted, None, per_task))
    here = len(pieces) - 1
    return wanted - here if here < wanted else per_task - (here - wanted) % per_task


def _cut_by_counting(block: bytes, base: int, wanted: int, per_task: int, cuts: "array[int]", token: bytes) -> int:
    """Do as `_cut_by_splitting`; counting is the fastest scan there is, and only the last step to a cut is halved."""
    first = cuts[0]
    place, step = 0, step_of(base - first, per_task, cuts)
    while place < len(block):
        found = count(block, token, place, place + step)
        if found < wanted:
            wanted, place = wanted - found, place + step
            continue
        place = _after(block, place, place + step, wanted, token)
        cuts.append(base + place)
        wanted, step = per_task, step_of(base + place - first, per_task, cuts)
    return wanted


def step_of(seen: int, per_task: int, cuts: "array[int]") -> int:
    """Return a small share of a task's usual bytes; before the first cut a record is taken to have 32."""
    usual = seen // (len(cuts) - 1) if len(cuts) > 1 else per_task * 32
    return max(_STEP_MIN, min(_STEP_MAX, usual // _STEPS_PER_TASK))


def count(block: bytes, token: bytes, low: int, high: int) -> int:
    """Return how many tokens begin in [low, high).

    One byte is counted fastest of all. Of a token of two, the second byte is looked for where it is rare: finding it
    passes over what lies between at several times the speed of comparing two.
    """
    if len(token) == 1:
        return block.count(token, low, high)
    first, second = token[0], token[1:]
    if block.count(second, low, low + _SAMPLE) > _SAMPLE // _RARE:
        return block.count(token, low, high + 1)
    found, place = 0, block.find(second, low + 1, high + 1)
    while place >= 0:
        found += block[place - 1] == first
        place = block.find(second, place + 1, high + 1)
    return found


def _after(block: bytes, low: int, high: int, wanted: int, token: bytes) -> int:
    """Return the border of the `wanted`-th token from `low`; it begins before `high`."""
    while wanted > 1 and high - low > 1:
        middle = (low + high) // 2
        found = count(block, token, low, middle)
        if found >= wanted:
            high = middle
        else:
            low, wanted = middle, wanted - found
    return block.index(token, low) + 1


def cut_by_bytes(view: View, per_task: int, token: bytes = LINE_END, start: int = 0) -> "array[int]":
    """Return the fence-posts of chunks of about `per_task` bytes: a cut is the first border at or after each multiple.

    Only the surroundings of the cuts are read, side by side, and more of a record that outgrows them; where the cuts
    lie so close that this were to read everything many times, everything is read once.
    """
    if per_task < 2 * _PROBES[0]:
        cuts = _cut_in_passing(view.read, view.size, per_task, token, start)
    else:
        cuts = cut_by_probing(Looks(view.read, view.size, token), per_task, start, view.together)
    if cuts[-1] != view.size:
        cuts.append(view.size)
    return cuts


def _cut_in_passing(read: Read, size: int, per_task: int, token: bytes, start: int) -> "array[int]":
    cuts, target = array("Q", [start]), start + per_task
    for base in range(start, size, _BLOCK):
        end = min(base + _BLOCK, size)
        block = read(base, min(end + len(token) - 1, size))
        # a token just before the target makes the target itself a border
        while target <= end and (found := block.find(token, max(target - 1 - base, 0))) >= 0:
            cuts.append(base + found + 1)
            target = start + ((cuts[-1] - start) // per_task + 1) * per_task
    return cuts


class Look(Protocol):
    """How a border is looked for: a bounded look behind a target, and a search that goes on from there."""

    @property
    def size(self) -> int:
        """Return the bytes of the input."""

    def probe(self, target: int) -> int | None:
        """Return the first border at or after `target`, None if a bounded look does not reach it."""

    def search(self, target: int) -> int:
        """Return the border that no bounded look has reached, else the end."""


def cut_by_probing(look: Look, per_task: int, start: int, at_once: Together = together) -> "array[int]":
    """Return cuts at the borders behind the targets, looking at many targets at once."""
    cuts = array("Q", [start])
    targets = iter(range(start + per_task, look.size, per_task))
    while batch := list(islice(targets, _PROBES_AT_ONCE)):
        batch = [target for target in batch if target > cuts[-1]]  # a long record may reach beyond many targets
        for target, found in zip(batch, at_once(look.probe, batch, _PROBES_AT_ONCE), strict=True):
            if target > cuts[-1]:
                cuts.append(found or look.search(target))
    return cuts


@dataclass(frozen=True)
class Looks:
    """Looking for a token. A target is at least 1: a token just before it makes the target itself a border."""

    read: Read
    size: int
    token: bytes = LINE_END

    def probe(self, target: int) -> int | None:
        """Look at what lies close behind the target."""
        low = target - 1
        for length in _PROBES:
            found = self._find(low, low + length)
            if found:
                return found
            low += length
            if low >= self.size:
                return self.size
        return None

    def search(self, target: int) -> int:
        """Read on from where `probe` gave up, a block at a time."""
        for low in range(target - 1 + sum(_PROBES), self.size, _BLOCK):
            found = self._find(low, low + _BLOCK)
            if found:
                return found
        return self.size

    def _find(self, low: int, high: int) -> int | None:
        """Return the border of the first token that begins in [low, high)."""
        found = self.read(low, min(high + len(self.token) - 1, self.size)).find(self.token)
        return None if found < 0 else low + found + 1
