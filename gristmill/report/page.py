"""`report.html`: one file that loads nothing and runs nothing."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gristmill import humanize
from gristmill.cost.bill import LABELS, dollars
from gristmill.enums import FigureVerdict
from gristmill.outcome.wording import ended, next_step
from gristmill.pipeline.lists import as_given
from gristmill.printable import block
from gristmill.report.chart import GUTTER, RIGHT, WIDTH, charts
from gristmill.report.model import Report
from gristmill.runs.cursor import nth_attempt

_TEMPLATES = Path(__file__).parent / "templates"


def page(report: Report, pictures: Mapping[str, str]) -> str:
    """Return the page; `pictures` are data URIs by key."""
    branches = [(stage, branch) for stage in report.stages for branch in stage.branches]
    canvas = {"width": WIDTH, "gutter": GUTTER, "right": RIGHT}
    is_final = any(branch.problem for _, branch in branches) or FigureVerdict.FAILED in [
        entry.verdict for entry in report.checks
    ]
    words = {
        "ended": ended(report.status, len(report.warnings)),
        "next_step": next_step(report.run, report.status, bool(report.faults), is_final),
    }
    return (
        environment()
        .get_template("page.html.j2")
        .render(report=report, pictures=pictures, branches=branches, charts=charts(report), canvas=canvas, **words)
    )


def link(key: str, run: str) -> str:
    """Return a result's address from the page, which lies at the top of the run's results."""
    return f"./{quote(beside(key, run))}"


def beside(key: str, run: str) -> str:
    """Return a result's name among the run's results."""
    return key.rpartition(f"/{run}/")[2]


def _size(count: float) -> str:
    return humanize.size(int(count))


def _shown(value: Any) -> Any:
    """Return a value as it goes into the page: text of others with its controls and formats as escapes."""
    return block(value) if type(value) is str else value


@cache
def environment() -> Environment:
    """Return the templates. Everything that goes into one is escaped, for file names are anybody's."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    named = (
        humanize.size,
        humanize.brief,
        humanize.duration,
        humanize.timestamp,
        humanize.quantity,
        humanize.number,
        dollars,
        nth_attempt,
        as_given,
    )
    made.filters |= {filter_.__name__: filter_ for filter_ in named}
    made.filters |= {"link": link, "beside": beside}
    made.globals |= {"labels": LABELS, "say_seconds": humanize.brief, "say_size": _size}
    return made
