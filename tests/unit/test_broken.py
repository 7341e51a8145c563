"""Broken, truncated and odd input: each reader names the record, the byte and what it expected."""

import pytest

from gristmill.errors import Refused
from gristmill.formats.bounds import check_files
from gristmill.formats.fasta import Fasta
from gristmill.formats.fastq import Fastq
from gristmill.formats.fixed import Fixed
from gristmill.formats.json_lines import JsonLines
from gristmill.formats.lines import Lines
from gristmill.formats.quoted import Csv
from gristmill.formats.reader import Malformed
from gristmill.formats.registry import Layout
from gristmill.formats.whole import Items, Whole
from gristmill.limits import FILES_MAX
from tests.unit.test_formats import count, view


@pytest.mark.parametrize(
    ("reader", "text", "reason"),
    [
        (Fasta(), b"ACGT\n>a\n", "record 1, byte 0: expected > at the beginning of a FASTA record, found b'A'"),
        (Fastq(), b"@a\nAC\nGT\n+\nIIII\n", "record 1, byte 0: expected + on its third line"),
        (Fastq(), b"@a\nAC\n+\n", "it has 3 of its 4 lines: the file is truncated"),
        (Fastq(), b"@a\nAC\n+\nII\n@b\n", "record 2, byte 11: it has 1 of its 4 lines: the file is truncated"),
        (Csv(), b'a,"b\nc\n', "record 1, byte 2: a quoted field is not closed"),
        (
            Fixed(Layout(record_bytes=4, header_bytes=2)),
            b"hhaaaabb",
            "record 2, byte 6: expected 4 bytes, the file ends after 2",
        ),
        (Fixed(Layout(record_bytes=4, header_bytes=9)), b"hh", "byte 2: expected a header of 9 bytes, the file has 2"),
        (Items(), b"a\n\nb\n", "record 2, byte 2: expected an item on each line"),
        (JsonLines(), b"{]\n", "record 1, byte 0: expected a JSON value"),
    ],
)
def test_the_split_names_the_place(reader, text, reason):
    with pytest.raises(Malformed) as caught:
        reader.by_records(view(text), reader.begin(view(text)), 1)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("reader", "text", "reason"),
    [
        (Fasta(), b"ACGT\n", "record 1, byte 7: expected >"),
        (Fastq(), b"@a\nAC\n+\nII\n@b\nACG\n+\nII\n", "record 2, byte 18: expected 3 qualities, found 2"),
        (Fastq(), b"@a\nAC\n+\nII\nb\nAC\n+\nII\n", "record 2, byte 18: expected @ and a name, found b'b'"),
        (Fastq(), b"@a\nAC\n+\nII\n@b\nAC\n", "record 2, byte 18: it has 2 of its 4 lines"),
        (Csv(), b'a\n"b\n', "record 2, byte 9: a quoted field is not closed"),
        (Fixed(Layout(record_bytes=4, header_bytes=0)), b"aaaabb", "record 2, byte 11: expected 4 bytes, found 2"),
        (JsonLines(), b"1\n2\n\n3\n", "record 3, byte 11: expected a JSON value, found a blank line"),
        (JsonLines(), b'1\n{"a": 2}\n{"a":\n4\n', "record 3, byte 18: expected a JSON value (Expecting value"),
        (JsonLines(), b'1\n"\xff"\n', "record 2, byte 9: expected a JSON value (not UTF-8 at byte 10: b'\\xff')"),
        (JsonLines(), b'1\n{"a": 2', "record 2, byte 9: expected a JSON value (Expecting ',' delimiter"),
        (
            JsonLines(),
            b"[" * 100_000 + b"\n",
            "record 1, byte 7: expected a JSON value with at most 500 arrays and objects",
        ),
    ],
)
@pytest.mark.parametrize("feed", [1, 5, 1000])
def test_the_task_names_the_place_in_the_input(reader, text, reason, feed):
    with pytest.raises(Malformed) as caught:
        count(reader, text, 7, feed)
    assert reason in str(caught.value)


def test_headers_belong_to_no_chunk_and_no_count():
    text = b'"na\nme",x\n1,2\n3,4\n'
    start = Csv(Layout(header=True)).begin(view(text))
    assert text[:start] == b'"na\nme",x\n'
    assert Csv().by_records(view(text), start, 1) == (Csv().by_bytes(view(text), start, 1), 2)
    assert Lines(Layout(header=True)).begin(view(b"only a header")) == 13
    assert list(Fixed(Layout(record_bytes=2, header_bytes=1)).by_records(view(b"h112233"), 1, 2)[0]) == [1, 5, 7]
    assert list(Fixed(Layout(record_bytes=2, header_bytes=1)).by_bytes(view(b"h112233"), 1, 3)) == [1, 5, 7]
    assert Whole().by_records(view(text), 0, 1)[1] == 1


def test_more_files_than_one_merge_can_copy_are_refused():
    check_files(FILES_MAX, ["pages"])
    check_files(FILES_MAX + 1, [])
    with pytest.raises(Refused, match=r"pages would publish 100,001 files, one a task; .* Give each task more"):
        check_files(FILES_MAX + 1, ["pages"])
