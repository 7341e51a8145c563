"""Drop notes: parsed strictly, and whatever they name is refused unless a run may read it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill import keys
from gristmill.chunks.items import check_list
from gristmill.errors import Refused
from gristmill.limits import NOTE_MAX, RECORD_MAX
from gristmill.runs.drop import is_no_drop
from gristmill.runs.note import parse_note, read_given
from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.records import RunRecord
from gristmill.runs.request import read_request
from gristmill.steps.split.claimant import Claimant
from gristmill.steps.split.preparing import prepare
from gristmill.steps.split.split import split
from gristmill.storage.s3 import S3Storage
from tests.unit.walk import event

FILE = "uploads/one/r.txt"
KEY = keys.note_key("words", "dir/mine")
MENDED = "Correct the note and drop it again."
GIVEN = ", ".join(keys.GIVEN)


def noted(**fields: Any) -> bytes:
    return json.dumps({"contract": 1, "input": FILE, **fields}).encode()


def dropped(store: S3Storage, claimant: Claimant, note: bytes) -> RunRecord:
    request = read_request(event(store, KEY, note), store.bucket)
    return prepare(store, request, claimant)[0]


def test_a_note_gives_what_a_dropped_file_would(store: S3Storage, claimant: Claimant):
    version = store.client.put_object(Bucket=store.bucket, Key=FILE, Body=b"a b\n")["VersionId"]
    note = noted(params={"lines_per_task": "7", "max-cost": "2"}, owner="mühle")
    record = dropped(store, claimant, note)
    assert record.faults == []
    assert (record.dropped, record.owner) == (keys.Dropped("words", "dir/mine"), "mühle")
    assert (record.input.key, record.input.version, record.input.size) == (FILE, version, 4)
    assert (record.parameters, record.max_cost) == ({"lines_per_task": 7}, 2.0)


def test_the_run_is_that_of_the_note(store: S3Storage, claimant: Claimant):
    store.put(FILE, b"a b\n")
    first, second = (read_request(event(store, KEY, noted()), store.bucket) for _ in range(2))
    assert split(store, first, claimant)["run"] == first.run != second.run
    assert split(store, first, replace(claimant, execution="other"))["verdict"] == "DUPLICATE"


@pytest.mark.parametrize("name", ["owner", "Owner", "gristmill-version", "gristmill_tags", "gristmill-batch"])
def test_params_of_a_note_stand_in_for_none_of_its_own_fields(store: S3Storage, claimant: Claimant, name: str):
    store.put(FILE, b"a b\n")
    record = dropped(store, claimant, noted(owner="mine", version="built-in", params={name: "other"}))
    own = f"params: {name} is no parameter; the note has fields of its own for what it gives"
    assert record.faults == [f"{KEY} is no drop note ({own}). {MENDED}"]


@pytest.mark.parametrize("ending", [".DROP.JSON", ".Drop.json"])
def test_a_note_is_one_in_whichever_letters_it_ends(store: S3Storage, claimant: Claimant, ending: str):
    store.put(FILE, b"a b\n")
    key = keys.input_key("words", f"Mine{ending}")
    request = read_request(event(store, key, noted()), store.bucket)
    record = prepare(store, request, claimant)[0]
    assert (record.input.key, record.dropped) == (FILE, keys.Dropped("words", "Mine"))


def test_a_note_may_name_a_version(store: S3Storage, claimant: Claimant):
    old = store.client.put_object(Bucket=store.bucket, Key=FILE, Body=b"old\n")["VersionId"]
    store.put(FILE, b"newer\n")
    record = dropped(store, claimant, noted(input={"key": FILE, "version": old}))
    assert (record.input.version, record.input.size) == (old, 4)


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", "is no drop note (Invalid JSON: EOF while parsing a value at line 1 column 0)"),
        (b"{", "is no drop note (Invalid JSON: EOF while parsing an object at line 1 column 1)"),
        (b"[" * NOTE_MAX, "is no drop note (Invalid JSON: recursion limit exceeded at line 1 column "),
        (b"[]", "is no drop note (Input should be an object)"),
        (b"a b\n", "is no drop note (Invalid JSON: expected value at line 1 column 1)"),
        (noted(contract=2), "is no drop note (contract: Input should be 1)"),
        (b'{"input": "uploads/x"}', "is no drop note (contract: Field required)"),
        (b'{"contract": 1}', "is no drop note (input: Field required)"),
        (noted(file="x"), "is no drop note (file: Extra inputs are not permitted)"),
        (noted(params={"k": 5}), "is no drop note (params.k: Input should be a valid string)"),
        (noted(input={"key": FILE, "etag": "x"}), "is no drop note (input.etag: Extra inputs are not permitted)"),
        (noted(input=""), "is no drop note (input.key: String should have at least 1 character)"),
        (noted(inputs={"../x": FILE}), "is no drop note (inputs.../x.[key]: String should match pattern"),
        (
            noted(inputs={f"i{n}": FILE for n in range(17)}),
            "is no drop note (inputs: Dictionary should have at most 16",
        ),
        (b'{"contract": 1, "input": "uploads/a", "input": "uploads/b"}', "is no drop note (input is given twice)"),
        (noted(params={"k": "x" * NOTE_MAX}), "a drop note has at most 65,536"),
    ],
)
def test_what_is_no_note_is_refused_in_one_line(store: S3Storage, claimant: Claimant, raw: bytes, fault: str):
    (found,) = dropped(store, claimant, raw).faults
    assert found.startswith(KEY) and fault in found and found.endswith(MENDED)
    assert "\n" not in found


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        (FILE, f"{FILE} does not exist"),
        ("references/g.fa", "references/g.fa does not exist; put it there with: gristmill references put g.fa"),
        ({"key": FILE, "version": "v1"}, f"{FILE} does not exist in version v1"),
        ("s3://elsewhere/uploads/x", "s3://elsewhere/uploads/x is not in this bucket; a run reads this one alone: copy "
         "it to s3://mill/"),
        ("S3://mill/uploads/x", "S3://mill/uploads/x is not in this bucket; a run reads this one alone: copy it to "
         "s3://mill/"),
        ("arn:aws:s3:::mill/uploads/x", "arn:aws:s3:::mill/uploads/x is not in this bucket; a run reads this one "
         "alone: copy it to s3://mill/"),
        ("https://mill.s3.amazonaws.com/uploads/x", "https://mill.s3.amazonaws.com/uploads/x is not in this bucket; a "
         "run reads this one alone: copy it to s3://mill/"),
        *((key, f"{key} is not where runs find their files: name a key below {GIVEN}") for key in (
            "runs/0123456789abcdef/run.json", "work/0123456789abcdef/own/x", "pipelines/words/current.json",
            "jobs/one/command.json", "/uploads/x", "uploads", "Uploads/x", "x")),
        ("s3://mill/runs/x", f"s3://mill/runs/x is not where runs find their files: name a key below {GIVEN}"),
        ("uploads/one/", "uploads/one/ is a folder; name the file itself"),
        (KEY, f"{KEY} is a drop note; name the file itself"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["input", "genome"])
def test_what_a_run_may_not_read_is_refused(store: S3Storage, claimant: Claimant, key: Any, fault: str, name: str):
    there = "inputs/words/there.txt"
    store.put(there, b"a b\n")
    note = noted(input=key) if name == "input" else noted(input=there, inputs={name: key})
    faults = dropped(store, claimant, note).faults
    assert f"{name}: {fault}" in faults


def test_a_file_that_is_named_is_checked_as_a_dropped_one(store: S3Storage, claimant: Claimant):
    store.put("uploads/one/r.pdf", b"")
    faults = dropped(store, claimant, noted(input="uploads/one/r.pdf", params={"ks": "1"})).faults
    assert "the file is empty; drop one with content" in faults
    assert "the file's name must end in one of: .txt, .md" in faults
    assert any(fault.startswith("parameter ks: words has no such parameter") for fault in faults)


def test_an_input_that_the_pipeline_does_not_have_is_refused(store: S3Storage, claimant: Claimant):
    store.put(FILE, b"a b\n")
    assert dropped(store, claimant, noted(inputs={"genome": FILE})).faults == [
        "words has no input genome (it has: none)"
    ]


def test_a_note_that_is_gone_is_refused(store: S3Storage):
    request = read_request(event(store, KEY, noted()), store.bucket)
    missing = replace(request, version="gone")
    assert read_given(store, missing).faults == (f"{KEY} (version gone) is gone; drop the file again",)


def test_a_note_is_a_drop_and_names_its_results():
    assert keys.parse_input(KEY) == keys.Dropped("words", "dir/mine")
    assert is_no_drop(KEY) is None
    assert is_no_drop("inputs/words/.drop.json") == "a temporary name"
    assert NOTE_MAX < RECORD_MAX


@given(
    st.binary(max_size=200) | st.recursive(st.text() | st.integers(), st.lists).map(lambda it: json.dumps(it).encode())
)
def test_any_bytes_are_a_note_or_refused_in_one_line(raw: bytes):
    try:
        parse_note(KEY, raw)
    except Refused as refused:
        assert all(line.isprintable() for line in refused.advice)


def test_a_record_of_before_notes_knows_what_was_dropped(store: S3Storage, claimant: Claimant):
    request = read_request(event(store, "inputs/words/x/y.txt", b"a\n"), store.bucket)
    written = prepare(store, request, claimant)[0].model_dump(mode="json")
    older = {name: value for name, value in written.items() if name != "dropped"}
    assert RunRecord.model_validate(older).dropped == keys.Dropped("words", "x/y.txt")


@pytest.mark.parametrize("kind", ["GLACIER", "DEEP_ARCHIVE"])
@pytest.mark.parametrize("name", ["input", "genome", "the file"])
def test_what_lies_in_an_archive_is_refused_before_any_task(store: S3Storage, claimant: Claimant, kind: str, name: str):
    """Whichever file of a run it is: each task would find it unreadable."""
    there, away = "uploads/one/there.txt", "references/away.txt"
    store.put(there, b"a\n")
    store.client.put_object(Bucket=store.bucket, Key=away, Body=b"a\n", StorageClass=kind)
    note = noted(input=away) if name == "input" else noted(input=there, inputs={"genome": away})
    if name == "the file":
        key = "inputs/words/away.txt"
        dropped_event = event(store, key, b"a\n")
        put = store.client.put_object(Bucket=store.bucket, Key=key, Body=b"a\n", StorageClass=kind)
        dropped_event["detail"]["object"]["version-id"] = put["VersionId"]
        faults = prepare(store, read_request(dropped_event, store.bucket), claimant)[0].faults
    else:
        faults = dropped(store, claimant, note).faults
    assert any(
        f"lies in the archive {kind} and cannot be read; restore it (aws s3api restore" in each for each in faults
    )


def test_what_is_restored_from_an_archive_can_be_read(store: S3Storage, claimant: Claimant):
    store.client.put_object(Bucket=store.bucket, Key=FILE, Body=b"a\n", StorageClass="GLACIER")
    store.client.restore_object(Bucket=store.bucket, Key=FILE, RestoreRequest={"Days": 1})
    assert dropped(store, claimant, noted()).faults == []


def test_a_listed_object_in_an_archive_is_refused_by_its_line(store: S3Storage, claimant: Claimant):
    store.client.put_object(Bucket=store.bucket, Key=FILE, Body=b"a\n", StorageClass="DEEP_ARCHIVE")
    store.put("inputs/x/list", f"s3://{store.bucket}/{FILE}\n".encode())
    found = store.head("inputs/x/list")
    assert found is not None
    with pytest.raises(Refused, match=r"line 1: uploads/one/r.txt lies in the archive DEEP_ARCHIVE"):
        check_list(store, ObjectVersion.of(found))
