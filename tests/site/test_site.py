"""The site as `make docs` has built it: its links lead somewhere, and it loads nothing from elsewhere."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from tests.project import PROJECT

SITE = PROJECT / "build" / "site"
STAGED = PROJECT / "build" / "docs"
LOADING = {"img", "link", "script", "source"}


class Page(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, str]] = []
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {found["id"]} if found.get("id") else set()
        self.links += [(tag, link) for name in ("href", "src") if (link := found.get(name))]


PAGES = {file: Page(file) for file in sorted(SITE.rglob("*.html"))}


def local(page: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield each link of a page that stays on the site, its file and its anchor."""
    for _, link in PAGES[page].links:
        parts = urlsplit(link)
        if not parts.scheme and not parts.netloc:
            place = (SITE / parts.path.lstrip("/")) if parts.path.startswith("/") else page.parent / unquote(parts.path)
            file = place.resolve() if parts.path else page
            yield link, file / "index.html" if file.is_dir() else file, unquote(parts.fragment)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(SITE).as_posix())
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    assert [link for link, file, _ in local(page) if not file.is_file()] == []
    anchored = [(link, PAGES[file].anchors, anchor) for link, file, anchor in local(page) if anchor and file in PAGES]
    assert [link for link, anchors, anchor in anchored if anchor not in anchors] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(SITE).as_posix())
def test_a_page_loads_nothing_from_elsewhere(page: Path) -> None:
    loaded = [link for tag, link in PAGES[page].links if tag in LOADING]
    assert [link for link in loaded if urlsplit(link).netloc] == []


def test_every_page_has_its_place_in_the_navigation() -> None:
    sections = yaml.safe_load((PROJECT / "mkdocs.yml").read_text())["nav"]
    entries = [entry for section in sections for value in section.values() for entry in listed(value)]
    pages = {
        file.relative_to(PROJECT / "build" / "docs").as_posix() for file in (PROJECT / "build" / "docs").rglob("*.md")
    }
    assert sorted(entries) == sorted(pages)


def listed(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [page for entry in value for inner in entry.values() for page in listed(inner)]
