"""`report.html`: one file that loads nothing and runs nothing."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gristmill.report.model import Report

if TYPE_CHECKING:
    from jinja2 import Environment


def page(report: Report, pictures: Mapping[str, str]) -> str:
    """Return the page; `pictures` are data URIs by key."""
    return _environment().get_template("page.html.j2").render(report=report, pictures=pictures)


@cache
def _environment() -> "Environment":
    """Return the templates. Everything that goes into one is escaped, for file names are anybody's."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
