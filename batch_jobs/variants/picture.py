"""A picture of the calls: along each contig the depth of reads and the calls, and what was changed for what."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, BinaryIO

from gristmill.task import Task

from .calls import Bin, Call, read_calls, read_depth

_WIDE, _LEFT, _ROW, _HIGH = 960, 110, 120, 80  # points: of all, before a track, from track to track, of a track
_CONTIGS = 24  # the longest are drawn
_COLOURS = {"snv": "#205080", "insertion": "#c05020", "deletion": "#308040", "complex": "#806090"}
_DEPTH, _LINE = "#d8e2ec", "#999"
_MEAN = 0.5  # of a track's height is the mean depth
_PAIRS = {"A": "T", "C": "G", "G": "C", "T": "A"}
_CHANGES = (
    "C>T",
    "T>C",
    "C>A",
    "C>G",
    "T>A",
    "T>G",
)  # a change and that of the other strand are one; transitions first


def draw(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:  # noqa: ARG001
    """Write the picture as SVG."""
    sink.write(picture(list(read_calls(source)), read_depth(task.inputs["depth"])).encode())


def picture(calls: Sequence[Call], bins: Sequence[Bin]) -> str:
    """Return the picture."""
    sizes: dict[str, int] = {}
    for bin_ in bins:
        sizes[bin_.contig] = bin_.end
    drawn = sorted(sizes, key=lambda name: -sizes[name])[:_CONTIGS]
    scale = (_WIDE - _LEFT - 40) / max(sizes.values(), default=1)
    parts = [*_legend(calls, len(drawn) < len(sizes))]
    for row, name in enumerate(sorted(drawn, key=list(sizes).index)):
        own = [bin_ for bin_ in bins if bin_.contig == name]
        parts += _track(60 + row * _ROW, own, [call for call in calls if call.contig == name], scale)
    bottom = 60 + len(drawn) * _ROW
    parts += _changes(bottom, calls)
    high = bottom + 150
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE}" height="{high}" viewBox="0 0 {_WIDE} {high}" '
    return "\n".join(
        [head + 'font-family="sans-serif" font-size="12">', _box(0, 0, _WIDE, high, "white"), *parts, "</svg>\n"]
    )


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _box(x: float, y: float, wide: float, high: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" fill="{colour}"/>'


def _legend(calls: Sequence[Call], is_cut: bool) -> Iterator[str]:
    kinds = Counter(call.kind for call in calls)
    more = f"; the {_CONTIGS} longest contigs" if is_cut else ""
    yield _text(10, 22, f"{len(calls):,} calls{more}. Height: share of the reads that have the change. Behind: depth.")
    for place, (kind, colour) in enumerate(_COLOURS.items()):
        yield _box(_LEFT + place * 150, 34, 10, 10, colour)
        yield _text(_LEFT + place * 150 + 16, 44, f"{kind} ({kinds[kind]:,})")


def _track(top: float, bins: Sequence[Bin], calls: Sequence[Call], scale: float) -> Iterator[str]:
    """Yield a contig: its depth as an area, each call as a stem that ends in a dot."""
    bottom, size = top + _HIGH, bins[-1].end
    mean = sum((bin_.end - bin_.start) * bin_.depth for bin_ in bins) / size
    for bin_ in bins:
        high = min(_HIGH, _HIGH * _MEAN * bin_.depth / (mean or 1))
        yield _box(_LEFT + bin_.start * scale, bottom - high, (bin_.end - bin_.start) * scale + 0.1, high, _DEPTH)
    yield _text(_LEFT - 8, bottom - _HIGH / 2, bins[0].contig[:16], "end")
    yield _text(_LEFT - 8, bottom - _HIGH / 2 + 16, f"depth {mean:.1f}", "end")
    yield f'<path d="M{_LEFT} {bottom}h{size * scale:.1f}" stroke="{_LINE}"/>'
    yield _text(_LEFT + size * scale, bottom + 15, f"{size:,}", "end")
    for call in calls:
        x, y, colour = _LEFT + call.position * scale, bottom - _HIGH * call.share, _COLOURS[call.kind]
        yield f'<path d="M{x:.1f} {bottom}V{y:.1f}" stroke="{colour}" stroke-opacity="0.35"/>'
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>'


def _changes(top: float, calls: Sequence[Call]) -> Iterator[str]:
    """Yield bars of what single bases were changed for."""
    counts = Counter(_change(call) for call in calls if call.kind == "snv")
    most = max(counts.values(), default=1)
    for place, change in enumerate(_CHANGES):
        high = 90 * counts[change] / most
        yield _box(_LEFT + place * 70, top + 110 - high, 50, high, _COLOURS["snv"])
        yield _text(_LEFT + place * 70 + 25, top + 126, f"{change} {counts[change]:,}", "middle")
    yield _text(_LEFT - 8, top + 110, "single bases", "end")


def _change(call: Call) -> str:
    ref, alt = (call.ref, call.alt) if call.ref in "CT" else (_PAIRS.get(call.ref, "N"), _PAIRS.get(call.alt, "N"))
    return f"{ref}>{alt}"
