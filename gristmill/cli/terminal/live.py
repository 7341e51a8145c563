"""The live view of a run: a table that renews itself on a terminal, a line per change elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gristmill.cli.terminal.show import console, note
from gristmill.cli.terminal.tables import coloured, seconds, styled
from gristmill.client.pace import Pace
from gristmill.client.runs.snapshot import FAILURES_COUNTED, BranchLook, Look, StageLook

if TYPE_CHECKING:
    from rich.console import Group

_BAR = 24
_AWAITED = "Running containers report their tasks about once a minute, and at their end."
_NARROW, _NARROWEST = 90, 70  # columns below which the bar, and then the rate, is left away


class View:
    """Shows looks at a run on stderr."""

    def __init__(self) -> None:
        self._paces: dict[tuple[str, str], Pace] = {}
        self._said: set[str] = set()

    def show(self, looks: Iterable[Look]) -> Look:
        """Show looks as they come; return the last one."""
        with _display() as update:
            for look in looks:
                now = time.monotonic()
                self._measure(look, now)
                if update:
                    update(self._group(look, now))
                else:
                    self._say(look)
        return look

    def _measure(self, look: Look, now: float) -> None:
        for stage in look.stages:
            for branch in stage.branches:
                if branch.tasks is not None:
                    pace = self._paces.setdefault(
                        (stage.stage, branch.branch), Pace(now, branch.done, now, branch.done)
                    )
                    pace.see(now, branch.done)

    def _say(self, look: Look) -> None:
        """Print what has changed in lines, for logs and pipes."""
        for stage in look.stages:
            for branch in stage.branches:
                line = f"{stage.stage}/{branch.branch}: {plain(branch)}"
                if branch.tasks is not None:
                    self._say_once(line)
        if look.is_awaited:
            self._say_once(_AWAITED)
        if look.items:
            self._say_once(look.items.words)
        if look.phase:
            self._say_once(f"{look.phase} ...")

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            note(line)

    def _group(self, look: Look, now: float) -> "Group":
        from rich.console import Group

        if not look.run.going:  # how it ended is the answer's headline
            return Group(self._table(look, now))
        took = seconds((datetime.now(UTC) - look.run.execution.started).total_seconds())
        doing = f" {look.phase}" if look.phase else ""
        head = styled(coloured(look.run.status), f"{doing}  {look.run.title}  ", (f"run {look.run.run}  {took}", "dim"))
        foot = [styled((f"  {_AWAITED}", "dim"))] if look.is_awaited else []
        foot += [styled(f"  {look.items.words}")] if look.items else []
        return Group(head, self._table(look, now), *foot)

    def _table(self, look: Look, now: float) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        width = console(stderr=True).width
        table = Table.grid(padding=(0, 2, 0, 0))
        for stage in look.stages:
            for branch in stage.branches:
                bar = ProgressBar(branch.tasks or 1, branch.done if branch.tasks else 0, _BAR)
                pace = self._paces.get((stage.stage, branch.branch))
                cells: list[Any] = [
                    f"  {stage.stage}/{branch.branch}",
                    *([bar] if width >= _NARROW else []),
                    counts(branch),
                ]
                speed = [rate(pace, branch, now)] if width >= _NARROWEST else []
                cells += [attempt(stage), children(branch), *speed]
                table.add_row(*(styled(cell) if isinstance(cell, str) else cell for cell in cells))
        return table


@contextmanager
def _display() -> Iterator[Any]:
    """Give a function that renews what a terminal shows; None where stderr is none."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.live import Live

    with Live(console=console(stderr=True), refresh_per_second=4) as live:
        yield live.update


def counts(branch: BranchLook) -> str:
    """Return a branch's tasks in words."""
    if branch.tasks is None:
        return "not begun"
    more = "or more " if branch.failed >= FAILURES_COUNTED else ""
    failed = f", {branch.failed:,} {more}failed" if branch.failed else ""
    return f"{branch.done:,} of {branch.tasks:,} tasks{failed}"


def children(branch: BranchLook) -> str:
    """Return what a branch's children do, and why some wait."""
    states = {"running": branch.children.running, "waiting": branch.children.waiting, "failed": branch.children.failed}
    parts = [f"{count:,} {state}" for state, count in states.items() if count]
    return f"children: {', '.join(parts)}{_why(branch)}" if parts else ""


def _why(branch: BranchLook) -> str:
    return f" ({'; '.join(branch.waits)})" if branch.waits else ""


def attempt(stage: StageLook) -> str:
    """Return which attempt goes on, where it is not the first."""
    return f"attempt {stage.attempt}" if stage.attempt and stage.attempt > 1 else ""


def rate(pace: Pace | None, branch: BranchLook, now: float) -> str:
    """Return a branch's rate and the time left, as observed."""
    if pace is None or pace.rate is None or branch.tasks is None or not branch.children.running:
        return ""
    left = pace.left(now, branch.tasks)
    return f"{pace.rate:,.1f} tasks/s" + (f", {seconds(left)} left" if left else "")


def plain(branch: BranchLook) -> str:
    """Return a branch in one line."""
    return "; ".join(part for part in (counts(branch), children(branch)) if part)
