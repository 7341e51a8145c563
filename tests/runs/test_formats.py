"""Record formats, kinds of merge and ways from stage to stage, through the deployed template."""

import csv
import gzip
import io
import json
import random

import pytest
from Bio import bgzf

from gristmill import keys
from tests.integration.mill import Mill

ROWS = [["name", "count"], ["anna", "1"], ['b "q"\nz', "20"], ["", "300"], ["dora\n\n", "4000"], ["end", "50000"]]


def table() -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(ROWS)
    return text.getvalue().encode()


def test_a_table_with_quoted_line_ends_through_every_kind_of_merge_and_stage(mill: Mill) -> None:
    body = table()
    run = mill.drop("table", "t.csv", body)
    assert mill.finish(run)["status"] == "SUCCEEDED"

    def result(name: str) -> bytes:
        return mill.read(keys.result("table", "t.csv", run, name))

    assert result("copied.csv") == body
    assert json.loads(result("total.json")) == {"sum": 54321, "parts": 3}
    shown = [
        b"0 first item 10\n",
        b"1 second item 11\n",
        f"2 s3://{mill.bucket}/inputs/table/t.csv {len(body)}\n".encode(),
    ]
    assert result("seen.txt") == b"".join(shown)
    names = [row[0].encode() + b"\n" for row in ROWS[1:]]
    pages = [b"name\n" + b"".join(names[first : first + 2]) for first in (0, 2, 4)]
    assert [result(f"pages/{keys.task_name(task)}.txt") for task in range(3)] == pages
    assert result("upper.txt") == b"".join(pages).upper()
    assert result("bound.txt") == b"--\n".join(pages)
    assert len(mill.results("table", "t.csv", run)) == 9


def test_files_are_listed_with_the_items_that_they_are_of(mill: Mill) -> None:
    mill.put("results/listed/é +%20.txt", b"", {})
    items = ["plain", "with, comma", 'a "quote"', "挽き臼", f"s3://{mill.bucket}/results/listed/é +%20.txt"]
    lines = "".join(f" {item}\t\r\n" for item in items).replace("s3:", "S3:")
    run = mill.drop("filed", "list.txt", lines.encode())
    assert mill.finish(run)["status"] == "SUCCEEDED"
    absent = mill.drop("filed", "absent.txt", lines.replace("listed", "unlisted").encode())
    assert mill.finish(absent)["status"] == "FAILED"
    assert mill.jobs(absent) == []
    assert "line 5: s3://" in (letter := mill.mail(absent, "FAILED").get_content())
    assert "/results/unlisted/é +%20.txt does not exist" in letter
    for branch in ("pages", "copies"):
        folder = keys.result("filed", "list.txt", run, f"{branch}/")
        listed = mill.read(f"{folder}files.csv").decode()
        rows = list(csv.DictReader(io.StringIO(listed, newline="")))
        assert [row["item"] for row in rows] == items
        assert [mill.read(f"{folder}{row['file']}").decode() for row in rows] == items
        assert [int(row["bytes"]) for row in rows] == [len(item.encode()) for item in items]
        assert {row["file"] for row in rows} | {"files.csv"} == {key.removeprefix(folder) for key in mill.keys(folder)}


def reads(count: int) -> bytes:
    chance = random.Random(5)  # noqa: S311 - a sample, not a secret
    text = ""
    for number in range(count):
        sequence = "".join(chance.choices("ACGT", k=chance.randint(20, 150)))
        text += f"@read{number}\n{sequence}\n+\n{''.join(chance.choices('@+IF#', k=len(sequence)))}\n"
    return text.encode()


@pytest.mark.parametrize(
    ("name", "least", "most"), [("r.fastq", 5, 100), ("r.fastq.gz", 1, 1), ("r.fastq.bgz", 2, 100)]
)
def test_reads_plain_gzip_and_bgzf_give_the_same_records(mill: Mill, name: str, least: int, most: int) -> None:
    text = reads(2000)
    run = mill.drop("reads", name, packed(text, name))
    assert mill.finish(run)["status"] == "SUCCEEDED"
    finding = mill.read_json(keys.check(run, "map", 0))
    (branch,) = finding["branches"]
    assert least <= branch["tasks"] <= most
    assert (branch["records_in"], branch["records_out"]) == (2000, 2000)
    assert mill.read(branch["output"]) == text
    assert branch["output"].endswith(".fastq"), "what comes out is plain, and called so"
    is_warned = "compress it with bgzip instead" in mill.mail(run, "SUCCEEDED").get_content()
    assert is_warned == bool(finding["warnings"]) == name.endswith(".gz")


def test_records_without_their_end_are_not_glued_to_the_next(mill: Mill) -> None:
    outputs = [b"h\r\na", b"", b"h\r\nb\r\nc", b"h"]
    run = mill.drop("seams", "x.txt", b"".join(output.hex().encode() + b"\n" for output in outputs))
    assert mill.finish(run)["status"] == "SUCCEEDED"
    assert mill.read(keys.result("seams", "x.txt", run, "assumed.txt")) == b"h\r\na\r\nh\r\nb\r\nc\r\nh"
    assert mill.read(keys.result("seams", "x.txt", run, "rows.csv")) == b"h\r\na\r\nb\r\nc\r\n"
    branches = mill.read_json(keys.check(run, "map", 0))["branches"]
    assert [branch["records_out"] for branch in branches[:2]] == [6, 3]


def test_a_stray_quote_fails_its_run_however_it_is_cut(mill: Mill) -> None:
    body = b'id,what\n1,5" disk\n2,"two\nlines"\n3,"more\nlines"\n4,3" disk\n5,plain\n'
    runs = [mill.drop("table", f"stray-{rows}.csv", body, rows_per_task=str(rows)) for rows in (1, 3, 100)]
    for run in runs:
        assert mill.finish(run)["status"] == "FAILED"
        assert (
            "a quote stands in the middle of a field that does not begin with one"
            in mill.mail(run, "FAILED").get_content()
        )


def test_a_header_alone_is_kept(mill: Mill) -> None:
    run = mill.drop("table", "header.csv", b"name,count\r\n")
    assert mill.finish(run)["status"] == "SUCCEEDED"
    assert mill.read(keys.result("table", "header.csv", run, "copied.csv")) == b"name,count\r\n"
    branches = mill.read_json(keys.check(run, "rows", 0))["branches"]
    assert [(branch["tasks"], branch["records_in"]) for branch in branches] == [(1, 0)] * len(branches)


def packed(text: bytes, name: str) -> bytes:
    if name.endswith(".gz"):
        return gzip.compress(text, mtime=0)
    return packed_bgzf(text) if name.endswith(".bgz") else text


def packed_bgzf(text: bytes) -> bytes:
    body = io.BytesIO()
    writer = bgzf.BgzfWriter(fileobj=body)
    writer.write(text)
    writer.flush()
    return body.getvalue() + bgzf._bgzf_eof


TRUNCATED_BGZF = packed_bgzf(reads(2000))[:-28]  # without the block that marks the end


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"@a\nAC\nGT\n+\nIIII\n", "record 1, byte 0: expected + on its third line, found b'GT'. FASTQ with wrapped"),
        (b"@a\nAC\n+\nII\n@b\nACG\n+\nII\n", "record 2, byte 11: expected 3 qualities, found 2"),
        (b"@a\nAC\n+\nII\n@b\nACG\n+\n", "record 2, byte 11: it has 3 of its 4 lines: the file is truncated"),
        (
            gzip.compress(b"@a\nAC\n+\nII\n" * 50, mtime=0)[:-12],
            "the gzip file is cut off here, in the middle of its data. Check the file with gzip -t",
        ),
        (b"@a\rAC\r+\rII\r", "byte 2: lines end with CR alone, as on classic Mac OS"),
        ("@a\nAC\n+\nII\n".encode("utf-16"), "byte 0: the text is UTF-16LE with a byte order mark"),
        (TRUNCATED_BGZF, f"byte {len(TRUNCATED_BGZF)}: the BGZF file ends here without its end-of"),
        (packed_bgzf(b""), "byte 0: the file is empty: it is BGZF of no data. Drop one with content."),
    ],
    ids=[
        "wrapped",
        "unequal",
        "truncated",
        "truncated gzip",
        "CR alone",
        "UTF-16",
        "BGZF without its end",
        "empty BGZF",
    ],
)
def test_a_broken_file_fails_its_run_and_names_the_place(mill: Mill, body: bytes, reason: str) -> None:
    run = mill.drop("reads", "broken.fastq", body)
    outcome = mill.finish(run)
    assert outcome["status"] == "FAILED"
    assert reason in outcome["reason"]
