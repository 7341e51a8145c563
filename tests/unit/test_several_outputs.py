"""A branch of several outputs: each whole and by itself, all of a task committed at once or none."""

from pathlib import Path
from typing import Any

import pytest

from gristmill import keys
from gristmill.errors import Refused
from gristmill.keys import Span
from gristmill.pipeline.loading import parse
from gristmill.runs.committed import read_committed
from gristmill.runs.cursor import Cursor
from gristmill.runs.locations import branch_keys
from gristmill.runs.repository import read_record
from gristmill.steps.check_output.check_output import check_output
from tests.unit.walk import CLUES, event, resume, walk

TEXT = b"".join(b"line %d\n" % number for number in range(7))
HEADER = b"number,is_even\n"
WANTED = {
    "sorted.even.txt": b"line 0\nline 2\nline 4\nline 6\n",
    "sorted.table.csv": HEADER + b"0,1\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n",
    "cut.first.txt": b"line 0\nline 2\nline 4\nline 6\n",
    "cut.last-line.log": b"line 1\nline 3\nline 5\nline 6\n",
    "said.how-many.txt": b"2\n2\n2\n1\n",
    "upper.txt": b"LINE 0\nLINE 2\nLINE 4\nLINE 6\n",
    "noted.txt": b"2 LINES\n2 LINES\n2 LINES\n1 LINES",
}


def results(store: Any, run: str) -> dict[str, bytes]:
    prefix = keys.results_prefix("several", "x.txt", run)
    return {item.key.removeprefix(prefix): store.read(item.key) for item in store.list(prefix)}


def test_each_output_is_merged_by_itself_and_read_by_later_stages(store, claimant, monkeypatch):
    answer = walk(store, claimant, monkeypatch, event(store, "inputs/several/x.txt", TEXT))
    assert (answer["verdict"], answer["reason"]) == ("COMPLETE", "")
    assert results(store, answer["run"]) == WANTED


def test_a_task_that_fails_leaves_nothing_in_any_output(store, claimant, monkeypatch):
    text = TEXT.replace(b"line 2", b"BAD 2")
    answer = walk(store, claimant, monkeypatch, event(store, "inputs/several/x.txt", text))
    assert (answer["verdict"], "sorted: 1 of 4 left out" in answer["reason"]) == ("PARTIAL", True)
    made = results(store, answer["run"])
    assert made["sorted.even.txt"] == b"line 0\nline 4\nline 6\n"
    assert made["sorted.table.csv"] == HEADER + b"0,1\n1,0\n4,1\n5,0\n6,1\n"
    assert made["noted.txt"] == b"2 LINES\n2 LINES\n1 LINES"


@pytest.mark.parametrize("lost", ["even", "table", "notes"])
def test_tasks_are_missing_where_one_output_of_them_is_gone_and_a_resume_makes_it(store, claimant, monkeypatch, lost):
    drop = event(store, "inputs/several/x.txt", TEXT)
    gone: list[str] = []

    def lose(cursor: Cursor) -> None:
        if cursor.stage != "sort" and not gone:
            place = branch_keys(read_record(store, cursor.run), "sort", f"sorted.{lost}")
            gone.extend(item.key for item in store.list(place.segments) if item.key.endswith(f".{lost}"))
            store.delete(gone[0])

    first = walk(store, claimant, monkeypatch, drop, lose)
    again = resume(store, claimant, monkeypatch, first["run"])
    assert (again["verdict"], again["reason"]) == ("COMPLETE", "")
    assert results(store, first["run"]) == WANTED


def test_a_receipt_without_one_of_the_outputs_commits_nothing(store, claimant, monkeypatch):
    answer = walk(store, claimant, monkeypatch, event(store, "inputs/several/x.txt", TEXT))
    place = branch_keys(read_record(store, answer["run"]), "sort", "sorted")
    assert read_committed(store, place, 4).missing == []
    for listed in list(store.list(place.receipts)):
        receipt = store.read_json(listed.key)
        receipt["others"].pop("notes")
        store.put(listed.key, str(receipt).replace("'", '"').encode())
    for output in ("", "even", "table", "notes"):
        seen = branch_keys(read_record(store, answer["run"]), "sort", f"sorted.{output}" if output else "sorted")
        assert read_committed(store, seen, 4).missing == [Span(0, 4)]
    cursor = Cursor(answer["run"], "sort", 0)
    assert "sorted.even: 4 of 4 tasks have no output" in check_output(store, CLUES, cursor, {})["reason"]


PIPELINE = """
version: 1
name: p
description: d
stages:
  - name: s
    split: {records: lines, records_per_task: 1}
    branches:
      - {name: b, %s}
  - name: t
    input: %s
    split: {records: whole}
    branches: [{name: c, run: "jobs:c"}]
results: [%s]
"""
TWO = 'run: "jobs:b", outputs: {vcf: {}, log: {merge: none}}'
NINE = f"outputs: {{{', '.join(f'o{at}: {{}}' for at in range(9))}}}"


def command(*words: str) -> str:
    return f"command: [{', '.join(words)}], outputs: {{vcf: {{}}, log: {{}}}}"


@pytest.mark.parametrize(
    ("branch", "reads", "kept", "fault"),
    [
        (TWO, "b", "c", "b is no merged branch of an earlier stage (there are: b.vcf)"),
        (TWO, "b.log", "c", "b.log is no merged branch of an earlier stage"),
        (TWO, "b.vcf", "b", "b is no branch that merges or makes files (there are: b.vcf, c)"),
        (TWO, "b.vcf", "b.log", "b.log is no branch that merges or makes files"),
        (f"{TWO}, suffix: .x", "b.vcf", "c", "a branch with outputs has suffix in each of them"),
        (f"{TWO}, output: files", "b.vcf", "c", "is of one output; a branch with outputs has none"),
        (command('"{output}"'), "b.vcf", "c", "{output} is unknown; there are: {input}, {output.vcf}"),
        (command('"{output.vcf}"'), "b.vcf", "c", "must name {output.log}, the file that the program writes"),
        ('run: "jobs:b", outputs: {a: {merge: header, output_records: fasta}}', "b.a", "c", "header needs output"),
        ('run: "jobs:b", outputs: {a: {output_records: parts}}', "b.a", "c", "parts cannot be counted"),
        ('run: "jobs:b", outputs: {A: {}}', "b.vcf", "c", "must have a name of small letters"),
        (f'run: "jobs:b", {NINE}', "b.o1", "c", "a branch has at most 8 outputs, not 9"),
    ],
)
def test_what_outputs_cannot_be_is_refused(tmp_path: Path, branch: str, reads: str, kept: str, fault: str):
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "pipeline.yaml").write_text(PIPELINE % (branch, reads, kept))
    with pytest.raises(Refused) as refused:
        parse(folder / "pipeline.yaml")
    assert fault in str(refused.value)
