"""At the seams of a merged file no record is glued to another, and what is counted is what a reader finds."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill import keys
from gristmill.enums import RecordFormat
from gristmill.errors import GristmillError, Refused
from gristmill.limits import HEADER_MAX
from gristmill.runs.committed import read_committed
from gristmill.runs.locations import branch_keys
from gristmill.runs.repository import read_record
from gristmill.worker.child.outputs import OutputRules
from gristmill.worker.child.segment import Made, Segment
from gristmill.worker.child.sink import Sink, count_records
from tests.unit.walk import event, walk

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=5)
FIELDS = st.text(st.sampled_from('ab",\n é'), max_size=4)
SEQUENCES = st.text("ACGT", min_size=1, max_size=6)


def rules(records: RecordFormat = RecordFormat.LINES, **given: Any) -> OutputRules:
    assumed: dict[str, Any] = {
        "is_declared": True,
        "is_joined": True,
        "has_header": False,
        "is_result": True,
        "suffix": "",
        "is_named": True,
        "tasks": lambda: 2,
    }
    return OutputRules(records, **(assumed | given))


def written(rules: OutputRules, outputs: list[bytes], step: int = 1000) -> tuple[bytes, int]:
    """Return what the merge of tasks' outputs has, and how many records were counted."""
    file, segment, records = io.BytesIO(), Segment(0), 0
    for task, output in enumerate(outputs):
        sink = Sink(file, rules, task)
        for place in range(0, len(output), step):
            sink.write(output[place : place + step])
        sink.finish()
        segment.add(1, 1, {"": Made(sink.size, sink.records, sink.header)})
        records += sink.records
    return (segment.parts[""].header or "").encode("latin-1") + file.getvalue(), records


@dataclass(frozen=True)
class Kind:
    """A format: a strategy of records, how a task writes some, and how a reader of the merged file finds them."""

    record: st.SearchStrategy[Any]
    write: Callable[[list[Any], str], str]
    read: Callable[[str], list[Any]]


def write_rows(rows: list[list[str]], end: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()


def fasta(text: str) -> list[tuple[str, str]]:
    entries = text.replace("\r", "").split(">")[1:]
    return [(entry.partition("\n")[0], entry.partition("\n")[2].replace("\n", "")) for entry in entries]


def fastq(text: str) -> list[tuple[str, str]]:
    lines = text.replace("\r", "").removesuffix("\n").split("\n") if text else []
    assert all(line.startswith("@") for line in lines[::4])
    return list(zip(lines[::4], lines[1::4], strict=True))


KINDS = {
    RecordFormat.LINES: Kind(
        TEXTS,
        lambda records, end: "".join(f"{record}{end}" for record in records),
        lambda text: text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else [],
    ),
    RecordFormat.JSONL: Kind(
        st.recursive(st.integers() | st.text(max_size=3) | st.none(), lambda inner: st.lists(inner, max_size=2)),
        lambda records, end: "".join(f"{json.dumps(record)}{end}" for record in records),
        lambda text: [json.loads(line) for line in text.splitlines()],
    ),
    RecordFormat.CSV: Kind(
        st.lists(FIELDS, min_size=2, max_size=2),
        write_rows,
        lambda text: list(csv.reader(io.StringIO(text, newline=""))),
    ),
    RecordFormat.FASTA: Kind(
        st.tuples(SEQUENCES, SEQUENCES),
        lambda records, end: "".join(f">{name}{end}{sequence}{end}" for name, sequence in records),
        fasta,
    ),
    RecordFormat.FASTQ: Kind(
        st.tuples(SEQUENCES.map(lambda name: f"@{name}"), SEQUENCES),
        lambda records, end: "".join(f"{name}{end}{read}{end}+{end}{'@' * len(read)}{end}" for name, read in records),
        fastq,
    ),
}


@pytest.mark.parametrize("records", KINDS)
@given(data=st.data(), end=st.sampled_from(["\n", "\r\n"]), step=st.integers(1, 9), is_gzip=st.booleans())
def test_a_reader_of_the_merged_file_finds_each_record_that_was_counted(records, data, end, step, is_gzip):
    kind = KINDS[records]
    tasks = data.draw(st.lists(st.tuples(st.lists(kind.record, max_size=3), st.booleans()), min_size=1, max_size=5))
    outputs = [kind.write(made, end) for made, _ in tasks]
    outputs = [text if ends else text.removesuffix(end) for text, (_, ends) in zip(outputs, tasks, strict=True)]
    pack: Callable[[bytes], bytes] = (lambda body: gzip.compress(body, mtime=0) if body else b"") if is_gzip else bytes
    wanted = rules(records, tasks=lambda: len(tasks), suffix=".gz" if is_gzip else "")
    merged, counted = written(wanted, [pack(text.encode()) for text in outputs], step)
    text = (gzip.decompress(merged) if is_gzip else merged).decode()
    assert kind.read(text) == [record for made, _ in tasks for record in made]
    assert counted == sum(len(made) for made, _ in tasks)


@given(data=st.data(), end=st.sampled_from(["\n", "\r\n"]), step=st.integers(1, 9))
def test_behind_a_header_that_is_kept_once_the_same_holds(data, end, step):
    kind, header = KINDS[RecordFormat.CSV], ['n"am\ne', "b"]
    tasks = data.draw(st.lists(st.tuples(st.none() | st.lists(kind.record, max_size=3), st.booleans()), min_size=1))
    outputs = ["" if made is None else kind.write([header, *made], end) for made, _ in tasks]
    outputs = [text if ends else text.removesuffix(end) for text, (_, ends) in zip(outputs, tasks, strict=True)]
    wanted = rules(RecordFormat.CSV, has_header=True, tasks=lambda: len(tasks))
    merged, counted = written(wanted, [text.encode() for text in outputs], step)
    found = [record for made, _ in tasks for record in made or ()]
    assert kind.read(merged.decode()) == ([header, *found] if any(outputs) else [])
    assert counted == len(found)


@pytest.mark.parametrize(
    ("outputs", "merged", "counted"),
    [
        ([b"a\r\nb", b"c\r\nd"], b"a\r\nb\r\nc\r\nd", 4),
        ([b"a\r", b"b"], b"a\r\nb", 2),
        ([b"a", b"", b"b"], b"a\nb", 2),
        ([b"a\n", b"\n", b"b\n"], b"a\n\nb\n", 3),
        ([b"\xef\xbb\xbfa", b"\xef\xbb\xbfb"], b"\xef\xbb\xbfa\nb", 2),
        ([b"\xef\xbb\xbf", b"a", b"\xef\xbb\xbf", b"b"], b"\xef\xbb\xbfa\nb", 2),
        ([b"a", "é".encode()], "a\né".encode(), 2),
        ([b"alone"], b"alone", 1),
    ],
)
@pytest.mark.parametrize("is_declared", [True, False])
def test_lines_are_ended_at_seams_and_nowhere_else(outputs, merged, counted, is_declared):
    assert written(rules(is_declared=is_declared, tasks=lambda: len(outputs)), outputs) == (merged, counted)


def test_what_is_no_text_is_never_touched_and_says_what_to_do():
    asked = r"nor is text, and the next .*\. Say `output_records: whole`"
    with pytest.raises(Refused, match=asked):
        written(rules(is_declared=False, suffix=".gz"), [gzip.compress(b"\x00\x01", mtime=0), b""])
    for output in (b"\x00\x01", b"\xe9", b"caf\xc3"):
        with pytest.raises(Refused, match=asked):
            written(rules(is_declared=False), [output, b""])
        assert written(rules(RecordFormat.WHOLE), [output, output])[0] == output * 2
        assert written(rules(is_declared=False), [b"a\n", output])[0] == b"a\n" + output
        assert written(rules(is_declared=False, is_joined=False), [output, output])[0] == output * 2
    assert written(rules(), [b"\xe9", b"\xe9"])[0] == b"\xe9\n\xe9", "declared lines may be Latin-1"


def test_an_end_that_is_added_stands_among_blocks_of_bgzf_too():
    from gristmill.formats.blocks import Blocks
    from gristmill.worker.child.record_end import gzip_member

    merged, counted = written(rules(suffix=".bgz"), [gzip_member(b"a"), gzip_member(b"b") + gzip_member(b"")])
    assert (Blocks(io.BytesIO(merged), 0).readall(), counted) == (b"a\nb", 2)


@pytest.mark.parametrize(
    ("output", "wanted", "why"),
    [
        (gzip.compress(b"a" * 99, mtime=0)[:-9], {"suffix": ".gz"}, "the output is gzip that breaks off"),
        (b"\x1f\x8bbroken", {"suffix": ".gz"}, "the output begins as gzip, but is none"),
        (gzip.compress(b"a,b\n", mtime=0), {"has_header": True}, "its header cannot be kept once"),
        ("a\n".encode("utf-16"), {}, "the output is UTF-16 or UTF-32, not lines as output_records says"),
        (b"a\n", {"suffix": ".csv.gz"}, "the output is not gzip, but is to be called so: .csv.gz"),
        (
            gzip.compress(b"a\n", mtime=0),
            {"suffix": ".csv", "is_named": False},
            "is gzip, but would be called .csv, as the",
        ),
        (
            gzip.compress(b"a\n", mtime=0),
            {"suffix": ".dat"},
            "is gzip, and is to be joined with others to what is called .dat",
        ),
        (
            gzip.compress(b"a\n", mtime=0),
            {"is_result": False},
            "is to be joined with others to what is called without any",
        ),
        (b"a\n", {"suffix": ".gz", "is_result": False}, "the output is not gzip, but is to be called so: .gz"),
        (b'"a', {"records": RecordFormat.CSV}, "the output is no sound csv: record 1"),
        (b"@a\nAC\n+\nI", {"records": RecordFormat.FASTQ}, "the output is no sound fastq: record 1"),
        (b'"h', {"records": RecordFormat.CSV, "has_header": True}, "the output is no sound csv: record 1"),
        (b"{", {"records": RecordFormat.JSONL}, "the output is no sound jsonl: record 1"),
        (b"\xef\xbb\xbf1\n", {"records": RecordFormat.JSONL}, "a byte order mark (BOM), which jsonl does not have"),
        (b"\xef\xbb\xbf>a\nAC\n", {"records": RecordFormat.FASTA}, "a byte order mark (BOM), which fasta does not"),
    ],
)
@pytest.mark.parametrize("step", [1, 100])
def test_an_output_that_no_reader_could_read_is_refused(output, wanted, why, step):
    with pytest.raises(Refused) as refused:
        written(rules(**wanted), [output, b""], step)
    assert why in str(refused.value)


def test_a_mark_of_a_table_is_no_part_of_its_first_field():
    outputs = [f"{header}{row}\n".encode("utf-8-sig") for header, row in [('"a","b"\n', "1,2"), ('"a","b"\n', "3,4")]]
    assert written(rules(RecordFormat.CSV), outputs) == (b'\xef\xbb\xbf"a","b"\n1,2\n"a","b"\n3,4\n', 4)
    assert written(rules(RecordFormat.CSV, has_header=True), outputs) == (b'\xef\xbb\xbf"a","b"\n1,2\n3,4\n', 2)


def test_what_is_not_joined_stays_as_it_was_written():
    assert written(rules(is_joined=False), [b"a", b"b\r\nc", b""]) == (b"ab\r\nc", 3)


@pytest.mark.parametrize("records", [RecordFormat.CSV, RecordFormat.LINES])
def test_a_header_that_does_not_end_is_given_up_early(records):
    sink, block = Sink(io.BytesIO(), rules(records, has_header=True), 0), b'"' + b"x" * HEADER_MAX
    with pytest.raises(Refused, match=r"record has no end within 1,048,576 bytes\. Write a header line first"):
        sink.write(block)


@pytest.mark.parametrize("records", [RecordFormat.LINES, RecordFormat.WHOLE])
def test_an_empty_result_that_is_called_gzip_is_gzip(records):
    merged, counted = written(rules(records, suffix=".csv.gz"), [b"", b""])
    assert merged.startswith(b"\x1f\x8b")
    assert gzip.decompress(merged) == b""
    assert counted == (2 if records is RecordFormat.WHOLE else 0)
    assert written(rules(records, suffix=".csv"), [b"", b""])[0] == b""
    assert (
        gzip.decompress(
            written(
                rules(suffix=".gz", tasks=lambda: 3), [gzip.compress(b"a", mtime=0), b"", gzip.compress(b"b", mtime=0)]
            )[0]
        )
        == b"a\nb"
    )


def test_an_output_that_lies_there_already_is_counted_by_the_same_rules(tmp_path):
    made = tmp_path / "output"
    made.write_bytes(b">a\nAC\n>b\nGT")
    assert count_records(made, rules(RecordFormat.FASTA, tasks=lambda: 1)) == 2
    assert count_records(made, rules(RecordFormat.WHOLE)) == 1
    assert made.read_bytes() == b">a\nAC\n>b\nGT"
    for wanted in (rules(RecordFormat.FASTQ), rules(RecordFormat.WHOLE, suffix=".gz")):
        with pytest.raises(Refused):
            count_records(made, wanted)


def test_a_job_cannot_hide_that_its_output_was_refused():
    sink = Sink(io.BytesIO(), rules(RecordFormat.FASTA), 0)
    for _ in range(2):
        with pytest.raises(GristmillError, match="no sound fasta"):
            sink.write(b"no fasta\n")
    with pytest.raises(GristmillError, match="no sound fasta"):
        sink.finish()


def test_headers_that_differ_in_their_end_alone_are_the_same():
    outputs = [b"", b"h", b"h\r\n1\r\n", b"h\n2\n"]
    wanted = rules(has_header=True, tasks=lambda: len(outputs))
    assert written(wanted, outputs) == (b"h\r\n1\r\n2\n", 2)
    with pytest.raises(Refused, match="differs from that of the tasks before it"):
        written(wanted, [b"h\n", b"g\n"])


@pytest.fixture
def results(store, claimant, monkeypatch) -> Callable[[list[bytes]], dict[str, bytes]]:
    """Return what a run publishes whose tasks write some outputs; segments are sealed after each task."""
    monkeypatch.setenv("GRISTMILL_PIPELINES", "tests/pipelines")
    monkeypatch.setattr("gristmill.worker.child.segment.SEGMENT_TASKS", 2)

    def made(outputs: list[bytes]) -> dict[str, bytes]:
        body = b"".join(output.hex().encode() + b"\n" for output in outputs)
        answer = walk(store, claimant, monkeypatch, event(store, "inputs/seams/x", body))
        assert (answer["verdict"], answer["last"]) == ("COMPLETE", True), answer["reason"]
        names = ("assumed.txt", "rows.csv", "whole.bin", "parts.txt", "packed.csv.gz")
        found = {name: store.read(keys.result("seams", "x", answer["run"], name)) for name in names}
        record = read_record(store, answer["run"])
        counts = {
            branch: read_committed(store, branch_keys(record, stage, branch), tasks).records_out
            for stage, branch, tasks in (
                ("map", "assumed", len(outputs)),
                ("map", "rows", len(outputs)),
                ("again", "counted", 1),
            )
        }
        assert counts["assumed"] == counts["counted"] == len(found["assumed.txt"].splitlines())
        found["packed.csv.gz"] = gzip.decompress(found["packed.csv.gz"])
        assert counts["rows"] == max(len(found["rows.csv"].splitlines()) - 1, 0)
        return found

    return made


def test_a_run_glues_no_records_whatever_segments_its_tasks_lie_in(results):
    outputs = [b"h\na", b"", b"h\nb\n", b"h", b"h\nc\nd", b"h\ne", b""]
    assert results(outputs) == {
        "assumed.txt": b"h\na\nh\nb\nh\nh\nc\nd\nh\ne\n",
        "rows.csv": b"h\na\nb\nc\nd\ne\n",
        "whole.bin": b"".join(outputs),
        "parts.txt": b"".join(outputs),
        "packed.csv.gz": b"".join(output.hex().encode() + b"\n" for output in outputs),
    }
