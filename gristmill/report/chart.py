"""The picture of an execution over time, as shapes on a canvas; the template draws them as SVG. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import floor, log10

from gristmill.enums import JobStatus
from gristmill.humanize import brief, duration
from gristmill.report.model import Bin, BranchTimeline, Execution, Report
from gristmill.report.work import BranchReport, Child
from gristmill.runs.cursor import nth_attempt

WIDTH, GUTTER, RIGHT = 1000, 168, 44  # of the canvas, of the names on its left, of the figures on its right
_AXIS, _STEPS, _BAR, _GAP, _AREA, _ROW = 26, 22, 9, 2, 64, 16
BARS_MOST = 24  # containers of a branch that get a bar each
_LETTER = 6.4  # width of a letter
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 172800, 604800)


@dataclass(frozen=True)
class Bar:
    """A stretch of time; `kind` is its class, `title` is shown by a pointer that rests on it."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str
    label: str = ""


@dataclass(frozen=True)
class Area:
    """A filled curve: the points of an SVG polygon."""

    points: str
    kind: str


@dataclass(frozen=True)
class Text:
    """A word beside a row: its own line, and a smaller one below."""

    y: float
    text: str
    below: str = ""


@dataclass
class Chart:
    """All shapes of one execution."""

    title: str
    height: float = 0
    ticks: list[tuple[float, str]] = field(default_factory=list)
    names: list[Text] = field(default_factory=list)
    peaks: list[Text] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    lines: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Scale:
    """Times to places on the canvas."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """Return how much time there is, never nothing."""
        return max(0.001, (self.end - self.start).total_seconds())

    def x(self, when: datetime) -> float:
        """Return the place of a moment, within the canvas."""
        share = (when - self.start).total_seconds() / self.seconds
        return round(GUTTER + min(1.0, max(0.0, share)) * (WIDTH - GUTTER - RIGHT), 2)


def charts(report: Report) -> list[Chart]:
    """Return a chart for each execution of which anything over time is known."""
    branches = {(stage.name, branch.name): branch for stage in report.stages for branch in stage.branches}
    return [
        _chart(place, execution, branches)
        for place, execution in enumerate(report.executions)
        if execution.lanes or len(execution.steps) > 1
    ]


def _chart(place: int, execution: Execution, branches: dict[tuple[str, str], BranchReport]) -> Chart:
    scale = Scale(execution.started, execution.ended)
    chart = Chart("First execution" if place == 0 else f"Resume {place}", _AXIS)
    chart.ticks = list(ticks(scale))
    if execution.steps:
        chart.names.append(Text(chart.height + 15, "state machine"))
        chart.bars += [_step(scale, chart.height, step.name, step.began, step.ended) for step in execution.steps]
        chart.height += _STEPS + _ROW
    for lane in execution.lanes:
        _add_timeline(chart, scale, lane, branches[lane.stage, lane.branch], execution)
    chart.height -= _ROW / 2
    return chart


def ticks(scale: Scale) -> Iterator[tuple[float, str]]:
    """Yield round times since the start, at most about eight: where, and what they say."""
    width = next((tick for tick in _TICKS if scale.seconds / tick <= 8), _TICKS[-1]) if scale.seconds > 4 else 0
    step = width or 10 ** floor(log10(scale.seconds / 2))
    step = step * (2 if scale.seconds / step > 8 else 1)
    for number in range(int(scale.seconds / step) + 1):
        at = number * step
        yield scale.x(scale.start + timedelta(seconds=at)), _tick(at, step)


def _tick(at: float, step: float) -> str:
    if at == 0:
        return "0"
    return f"{at:.{max(0, -floor(log10(step)))}f} s" if step < 1 else duration(timedelta(seconds=at))


def _step(scale: Scale, y: float, name: str, began: datetime, ended: datetime) -> Bar:
    x, end = scale.x(began), scale.x(ended)
    width = max(1.5, end - x)
    hint = f"{name}: {brief((ended - began).total_seconds())}"
    kind = {"Work": "work", "WaitBeforeRetry": "wait"}.get(name, "step")
    return Bar(x, y, width, _STEPS, kind, hint, name if len(name) * _LETTER + 8 < width else "")


def _add_timeline(chart: Chart, scale: Scale, lane: BranchTimeline, branch: BranchReport, execution: Execution) -> None:
    top = chart.height
    own = [child for child in branch.children_shown if execution.started <= child.queued < execution.ended]
    most = max((bin_.queued + bin_.starting + bin_.running for bin_ in lane.bins), default=0)
    if branch.children == len(branch.children_shown) and 0 < len(own) <= BARS_MOST:
        for place, child in enumerate(own):
            chart.bars += _bars(scale, top + place * (_BAR + _GAP), child, execution.ended)
        height = max(30, len(own) * (_BAR + _GAP))
    else:
        chart.areas += _areas(lane.bins, top, most)
        chart.peaks.append(Text(top + 8, f"{most:,}"))
        height = _AREA
    chart.names.append(Text(top + 11, _fitting(lane.branch), _fitting(f"{lane.stage}, {_containers(branch.children)}")))
    chart.lines.append(top - _ROW / 2)
    chart.height += height + _ROW


def _containers(count: int) -> str:
    return f"{count:,} container{'' if count == 1 else 's'}"


def _fitting(name: str, most: int = 27) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _bars(scale: Scale, y: float, child: Child, end: datetime) -> Iterator[Bar]:
    """Yield what a container did: waiting, starting, running."""
    stopped = child.stopped or end
    bad = child.status == JobStatus.FAILED
    spans = [("queued", child.queued, child.started or stopped)]
    if child.started:
        began = child.began or child.started
        spans += [("starting", child.started, began), ("failed" if bad else "running", began, stopped)]
    elif bad:
        spans = [("failed", child.queued, stopped)]
    for kind, first, last in spans:
        if last > first:
            x = scale.x(first)
            container_id = f"container {child.index}, attempt {nth_attempt(child.attempt)}"
            hint = f"{container_id}: {kind} {brief((last - first).total_seconds())}"
            yield Bar(x, y, max(0.8, scale.x(last) - x), _BAR, kind, f"{hint}. {child.reason if bad else ''}".strip())


def _areas(bins: Sequence[Bin], top: float, most: int) -> Iterator[Area]:
    """Yield the counts over time, one upon the other: running at the bottom."""
    heights = {
        "queued": [bin_.running + bin_.starting + bin_.queued for bin_ in bins],
        "starting": [bin_.running + bin_.starting for bin_ in bins],
        "running": [bin_.running for bin_ in bins],
    }
    width = (WIDTH - GUTTER - RIGHT) / len(bins)
    for kind, counts in heights.items():
        base = top + _AREA
        points = [f"{GUTTER},{base}"]
        for place, count in enumerate(counts):
            y = round(base - _AREA * count / max(1, most), 1)
            points += [f"{round(GUTTER + place * width, 1)},{y}", f"{round(GUTTER + (place + 1) * width, 1)},{y}"]
        yield Area(" ".join([*points, f"{WIDTH - RIGHT},{base}"]), kind)
