"""Tags and batches: as metadata they come back as they were, and what cannot be is refused with why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.limits import S3_METADATA_MAX_BYTES, TAG_VALUE_MAX, TAGS_MAX
from gristmill.pipeline.tags import as_metadata, read_tags, tag_faults
from gristmill.printable import line
from gristmill.runs.note import parse_note

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,39}", fullmatch=True)
VALUES = st.text(min_size=1, max_size=TAG_VALUE_MAX).filter(lambda text: line(text) == text)
BATCHES = st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}", fullmatch=True)


@given(st.dictionaries(NAMES, VALUES, max_size=TAGS_MAX), BATCHES)
def test_tags_and_batch_come_back_as_they_were(tags: dict[str, str], batch: str | None):
    assert read_tags(as_metadata(tags, batch)) == (tags, batch, [])


@given(st.text())
def test_any_text_is_read_or_refused(text: str):
    tags, batch, faults = read_tags({"gristmill-tags": text, "gristmill-batch": text})
    assert not faults or (tags, batch) == ({}, None)
    assert tag_faults(tags) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sample", "is not of the form NAME=VALUE&NAME=VALUE, percent-encoded"),
        ("a=%ff", "is not of the form"),
        ("a=1&a=2", "tag 'a' is given twice"),
        ("a=", "'' is not one line of 1 to 100 characters"),
        ("a=b%0Ac", "is not one line"),
        ("a=" + "x" * (TAG_VALUE_MAX + 1), "is not one line of 1 to 100 characters"),
        ("1a=b", "a letter first"),
        ("&".join(f"t{number}=x" for number in range(TAGS_MAX + 1)), "11 tags: a run has at most 10"),
    ],
)
def test_what_is_no_tag_is_refused_with_why(text: str, why: str):
    tags, _, faults = read_tags({"gristmill-tags": text})
    assert tags == {}
    assert any(why in fault for fault in faults)


def test_what_is_no_batch_is_refused():
    assert read_tags({"gristmill-batch": "my sweep"})[2] == [
        "batch 'my sweep': a name has letters, digits and . _ -, at most 40"
    ]


def test_names_in_metadata_are_as_s3_takes_them_and_small():
    made = as_metadata({"sample": "Zürich & more=x"}, "sweep")
    assert made == {"gristmill-tags": "sample=Z%C3%BCrich%20%26%20more%3Dx", "gristmill-batch": "sweep"}
    assert sum(map(len, [*made, *made.values()])) < S3_METADATA_MAX_BYTES


def test_a_drop_note_has_them_as_they_are():
    note = parse_note(
        "a.drop.json", b'{"contract": 1, "input": "uploads/a", "tags": {"sample": "s 1"}, "batch": "sweep"}'
    )
    assert read_tags(note.metadata) == ({"sample": "s 1"}, "sweep", [])
