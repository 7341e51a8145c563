"""What the documents show is run, or it is said why not; what they link to is there."""

import re
from pathlib import Path

import pytest

from tests.documents.blocks import ELSEWHERE, blocks, documents
from tests.documents.course import lessons, steps
from tests.project import PROJECT

LINK = re.compile(r"\]\(([^)\s#]*)(?:#([\w-]+))?\)")


def test_each_block_that_is_not_run_has_its_reason_and_each_reason_its_block():
    seen = [block.elsewhere for document in documents() for block in blocks(document) if block.elsewhere]
    assert sorted(seen) == sorted(ELSEWHERE)


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives a document's headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", [*documents(), *lessons()], ids=lambda item: item.relative_to(PROJECT).as_posix())
def test_the_links_of_a_document_lead_somewhere(document: Path):
    for place, anchor in LINK.findall(document.read_text()):
        if place.startswith(("http:", "https:", "mailto:")):
            continue
        target = (document.parent / place) if place else document
        assert target.exists(), f"{place} is not there"
        assert not anchor or anchor in anchors(target), f"{place}#{anchor}: there is no such heading"


@pytest.mark.parametrize("document", documents(), ids=lambda item: item.relative_to(PROJECT).as_posix())
def test_the_first_use_of_a_file_comes_after_it_was_made(document: Path):
    """A document that is followed from its top names no file of the user's that no command made."""
    made = set(
        re.findall(r"> ([\w.-]+\.\w+)|sample ([\w.-]+)", "\n".join(block.commands for block in blocks(document)))
    )
    known = {name for pair in made for name in pair if name}
    for each in blocks(document):
        if each.elsewhere is None:
            for name in re.findall(r"gristmill (?:run|try|plan) [\w-]+ ([\w.-]+)", each.commands):
                assert name in known, f"no command makes {name}"


@pytest.mark.parametrize("page", lessons(), ids=lambda page: page.stem)
def test_a_lesson_is_all_files_and_commands_and_leads_to_the_next(page: Path):
    """Each fenced block is run by `make test-docs`: nothing in a lesson is only looked at."""
    assert [step.file for step in steps(page) if step.file]
    following = dict(zip(lessons(), lessons()[1:], strict=False)).get(page)
    last = page.read_text().strip().splitlines()[-1]
    assert last.startswith("Next: [") and f"({following.name})" in last if following else "Next: [" not in last
