"""Tasks that may fail and be left out: exactly as many as the pipeline says, of their own fault, and never hidden."""

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill import keys
from gristmill.enums import RecordFormat
from gristmill.limits import LEFT_OUT_MAX
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Split, Stage
from gristmill.pipeline.tolerance import tolerance_faults, tolerated
from gristmill.runs.repository import read_record
from gristmill.storage.s3 import S3Storage
from tests.unit.walk import event, resume, walk


def branch(tolerate: Any, **more: Any) -> Branch:
    return Branch(name="b", **{"run": "jobs:f", **more}, tolerate=tolerate)


@given(st.decimals(0, 99, places=2), st.integers(0, 3_000_000))
def test_a_share_is_exact_to_the_very_edge(share: Any, tasks: int) -> None:
    most = tolerated(branch(f"{share}%"), tasks)
    assert 100 * most <= Fraction(share) * tasks
    assert 100 * (most + 1) > Fraction(share) * tasks or most in (LEFT_OUT_MAX, tasks - 1)


@pytest.mark.parametrize(
    ("tolerate", "tasks", "most"),
    [("1%", 99, 0), ("1%", 100, 1), ("1%", 199, 1), ("1%", 200, 2), ("0.1%", 999, 0), ("0.1%", 1000, 1), (3, 1000, 3),
     (0, 1000, 0), (5, 5, 4), (5, 1, 0), ("99%", 1, 0), ("29%", 100, 29), ("1.1%", 1000, 11), (1, 0, 0)],
)  # fmt: skip
def test_how_many_tasks_may_be_left_out(tolerate: Any, tasks: int, most: int) -> None:
    assert tolerated(branch(tolerate), tasks) == most


@pytest.mark.parametrize("wrong", ["100%", "1", "-1%", "1 %", "%", "1.%", -1, 0.01, "all"])
def test_what_is_no_share_and_no_count_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="tolerate"):
        branch(wrong)


@pytest.mark.parametrize(
    ("records", "more", "fault"),
    [
        (RecordFormat.WHOLE, {}, "records: whole is one task: without it nothing would be left"),
        (RecordFormat.ALL_PARTS, {}, "records: all-parts is one task: without it nothing would be left"),
        (RecordFormat.WHOLE, {"run": None, "mpi": "jobs:f"}, "MPI is one task: without it nothing would be left"),
        (RecordFormat.LIST, {}, None),
    ],
)
def test_one_task_cannot_be_left_out(records: RecordFormat, more: dict[str, Any], fault: str | None) -> None:
    made = branch("1%", **more)
    stage = Stage(name="s", split=Split(records=records), branches=[made])
    assert [what for _, what in tolerance_faults((), stage, made)] == [fault] * (fault is not None)


def test_more_than_can_be_looked_through_is_refused() -> None:
    made = branch(LEFT_OUT_MAX + 1)
    stage = Stage(name="s", split=Split(records=RecordFormat.LINES, records_per_task=1), branches=[made])
    assert [what for _, what in tolerance_faults((), stage, made)] == ["at most 10,000 tasks can be left out"]


def text(*words: str, lines: int = 100) -> bytes:
    """Return so many lines, the first of which begin with words."""
    return b"".join(b"%s %d\n" % (word.encode(), at) for at, word in enumerate([*words, *["fine"] * lines][:lines]))


def left_out(store: S3Storage, run: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (store.find(keys.left_out(run)) or b"").splitlines()]


def result(store: S3Storage, run: str, name: str) -> bytes:
    return store.read(keys.result("lenient", "x.txt", run, f"{name}.txt"))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["BAD"], "ValueError: the grain is wet"),
        (["EXIT"], "the job called sys.exit(3). Return where a task is done, and raise where it is not."),
        (["REFUSED"], "the grain is none"),
        (["fine", "SLOW"], "ran past its time limit of 1 s. Raise `timeout` in pipeline.yaml, or give each task less."),
    ],
)
def test_tasks_that_fail_by_themselves_are_left_out(
    store: S3Storage, claimant: Any, monkeypatch: pytest.MonkeyPatch, words: list[str], reason: str
) -> None:
    answer = walk(store, claimant, monkeypatch, event(store, "inputs/lenient/x.txt", text(*words)))
    bad = [at for at, word in enumerate(words) if word != "fine"]
    assert (answer["verdict"], answer["last"]) == ("PARTIAL", True)
    assert answer["reason"].endswith(f"(copied: {len(bad)} of 100 left out)")
    listed = left_out(store, answer["run"])
    assert [line["task"] for line in listed] == bad
    assert {(line["stage"], line["branch"], line["records"]) for line in listed} == {("read", "copied", 1)}
    starts = [text(*words).index(b"%s %d\n" % (words[at].encode(), at)) for at in bad]
    assert [line["start"] for line in listed] == starts
    assert listed[0]["reason"] == reason
    assert result(store, answer["run"], "copied") == b"".join(
        text(*words).splitlines(True)[at] for at in range(100) if at not in bad
    )
    assert result(store, answer["run"], "summed") == b"%d\n" % (100 - len(bad))


@pytest.mark.parametrize(
    "words",
    [["BAD"] * 2, ["FULL"], ["GONE"], ["MEMORY"], ["REFUSED"] * 2],
    ids=["one too many", "a full disk", "no network", "no memory", "too many refused"],
)
def test_one_more_or_anothers_fault_fails_the_run(
    store: S3Storage, claimant: Any, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    answer = walk(store, claimant, monkeypatch, event(store, "inputs/lenient/x.txt", text(*words)))
    assert answer["verdict"] == "FAILED"
    assert left_out(store, answer["run"]) == []
    assert read_record(store, answer["run"]).left_out == {}
    assert list(store.list(keys.results_prefix("lenient", "x.txt", answer["run"]))) == []


def test_a_tolerance_never_hides_that_nothing_is_left(store, claimant, monkeypatch):
    answer = walk(store, claimant, monkeypatch, event(store, "inputs/lenient/x.txt", b"BAD\n"))
    assert answer["verdict"] == "FAILED"


def test_a_resume_tries_again_what_was_left_out_and_what_reads_it(store, claimant, monkeypatch, tmp_path):
    drop = event(store, "inputs/lenient/x.txt", text("ONCE"), marks=str(tmp_path))
    partial = walk(store, claimant, monkeypatch, drop)
    assert (partial["verdict"], result(store, partial["run"], "summed")) == ("PARTIAL", b"99\n")
    whole = resume(store, claimant, monkeypatch, partial["run"])
    assert (whole["verdict"], whole["last"]) == ("COMPLETE", True)
    assert result(store, partial["run"], "copied") == text("ONCE")
    assert result(store, partial["run"], "summed") == b"100\n"
    assert left_out(store, partial["run"]) == []
    assert read_record(store, partial["run"]).left_out == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{at}-{task}" for at in (0, 10) for task in range(2)]


def test_a_resume_that_leaves_out_the_same_does_nothing_else_again(store, claimant, monkeypatch, tmp_path):
    drop = event(store, "inputs/lenient/x.txt", text("BAD"), marks=str(tmp_path))
    first = walk(store, claimant, monkeypatch, drop)
    again = resume(store, claimant, monkeypatch, first["run"])
    assert (first["verdict"], again["verdict"]) == ("PARTIAL", "PARTIAL")
    assert result(store, first["run"], "summed") == b"99\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"0-{task}" for task in range(2)]
