"""Branches that a stage reads beside its input: whole, and part by part, by the numbers of the tasks."""

from pathlib import Path

import pytest

from gristmill import keys
from gristmill.errors import Refused
from gristmill.pipeline.loading import read
from gristmill.runs.cursor import Cursor
from gristmill.runs.locations import branch_keys, frozen, stage_keys
from gristmill.runs.pinned import find_published, read_cut
from gristmill.runs.repository import read_record
from gristmill.steps.job_map.job_map import job_map
from tests.unit.walk import LANES, event, resume, walk

TEXT = b"a b\nc\nd e f\n"
UPPER = TEXT.upper()
HEAD = """
version: 1
name: mine
description: d
stages:
  - name: one
    split: {records: lines, records_per_task: 1}
    branches:
      - {name: a, run: "jobs:a"}
      - {name: b, run: "jobs:b", merge: none}
      - {name: t, run: "jobs:b", tolerate: 1}
      - {name: m, run: "jobs:b", merge: "jobs:merge"}
  - {name: other, split: {records: whole}, branches: [{name: w, run: "jobs:w"}]}
  - {name: parts, input: b, split: {records: parts}, branches: [{name: c, run: "jobs:c"}]}
"""


@pytest.fixture(autouse=True)
def pipelines(monkeypatch):
    monkeypatch.setenv("GRISTMILL_PIPELINES", "tests/pipelines")


def wanted(depth: bytes) -> bytes:
    counts = {line: str(len(line.split())).encode() for line in UPPER.splitlines(keepends=True)}
    return b"".join(line + count + b"\n" + depth + UPPER for line, count in counts.items())


def results(store, run: str) -> list[bytes]:
    return [store.read(keys.result("joins", "x.txt", run, f"{name}.txt")) for name in ("function", "command", "script")]


@pytest.mark.parametrize(("deep", "depth"), [("true", b"deep\n"), ("false", b"flat\n")])
def test_each_task_gets_its_own_parts_and_the_others_whole(store, claimant, monkeypatch, deep, depth):
    answer = walk(store, claimant, monkeypatch, event(store, "inputs/joins/x.txt", TEXT, deep=deep))
    assert (answer["verdict"], answer["last"]) == ("COMPLETE", True)
    assert results(store, answer["run"]) == [wanted(depth)] * 3
    cut = read_cut(store, stage_keys(read_record(store, answer["run"]), "pair"))
    assert sorted(cut.joins) == ["all", "depth"]


def paused(store, claimant, monkeypatch) -> str:
    """Walk up to the stage that joins; return the run."""

    def stop(cursor: Cursor) -> None:
        if cursor.stage == "pair":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk(store, claimant, monkeypatch, event(store, "inputs/joins/x.txt", TEXT), stop)
    (prefix,) = {listed.key.split("/")[1] for listed in store.list("runs/")}
    return prefix


def test_what_is_joined_is_what_was_made_and_no_other_bytes(store, claimant, monkeypatch):
    run = paused(store, claimant, monkeypatch)
    record = read_record(store, run)
    job_map(store, LANES, Cursor(run, "pair", 0))
    made = find_published(store, branch_keys(record, "depth", "deep"))
    assert made is not None
    store.put(made.output.key, b"DEEP\n")
    answer = resume(store, claimant, monkeypatch, run)
    assert (answer["verdict"], answer["last"]) == ("COMPLETE", True)
    assert results(store, run) == [wanted(b"deep\n")] * 3


def test_a_join_with_other_bytes_than_the_stage_began_with_is_refused(store, claimant, monkeypatch):
    run = paused(store, claimant, monkeypatch)
    record = read_record(store, run)
    job_map(store, LANES, Cursor(run, "pair", 0))
    place = branch_keys(record, "depth", "deep")
    made = find_published(store, place)
    assert made is not None
    other = made.model_copy(update={"output": made.output.model_copy(update={"etag": "other"})})
    store.put(place.published, other.model_dump_json().encode())
    with pytest.raises(Refused, match="has other bytes than run"):
        job_map(store, LANES, Cursor(run, "pair", 1))


def test_fingerprints_follow_what_is_joined(store, claimant, monkeypatch):
    deep = read_record(store, walk(store, claimant, monkeypatch, event(store, "inputs/joins/x.txt", TEXT))["run"])
    flat = walk(store, claimant, monkeypatch, event(store, "inputs/joins/x.txt", TEXT, deep="false"))["run"]
    record = read_record(store, flat)
    assert frozen(record).stage("pair").joins == {"depth": "flat", "all": "upper"}
    assert record.skipped == {"depth": "params.deep is false"}
    assert deep.cuts["pair"] != record.cuts["pair"]


def faults(tmp_path: Path, stage: str) -> list[str]:
    file = tmp_path / "mine" / "pipeline.yaml"
    file.parent.mkdir()
    text = f'  - {{name: two, {stage}, branches: [{{name: z, run: "jobs:z"}}]}}\n'
    file.write_text(HEAD + text, encoding="utf-8")
    try:
        read(file)
    except Refused as refused:
        return [fault.split(": stages.3", 1)[1].removeprefix(".") for fault in refused.faults]
    return []


WHOLE, PARTS = "split: {records: whole}", "input: a, split: {records: parts}"
ABLE = "there are: b, m, c; one that tolerates failed tasks has its own"


@pytest.mark.parametrize(
    ("stage", "fault"),
    [
        (f"{WHOLE}, with: {{x: a, y: [t, m]}}", ""),
        (f"{PARTS}, in_step: [b, m, c]", ""),
        (f"{WHOLE}, with: {{x: b}}", "with.x: b is no merged branch of an earlier stage (there are: a, t, m, w, c)"),
        (f"{WHOLE}, with: {{x: z}}", "with.x: z is no merged branch of an earlier stage (there are: a, t, m, w, c)"),
        (f"{WHOLE}, with: {{input: a}}",
         ": {input} is reserved, as all placeholders; give the join another name under with"),
        (f"{PARTS}, with: {{b: w}}, in_step: [b]",
         ": {b} would stand for two files; give the join another name under with"),
        (f"{WHOLE}, in_step: [a]",
         "in_step: pairs parts by task number: the split needs records: parts, not whole"),
        (f"{PARTS}, in_step: [w]", f"in_step.0: w is no other branch with the tasks of a ({ABLE})"),
        (f"{PARTS}, in_step: [t]", f"in_step.0: t is no other branch with the tasks of a ({ABLE})"),
        (f"{PARTS}, in_step: [a]", f"in_step.0: a is no other branch with the tasks of a ({ABLE})"),
        (f"{WHOLE}, with: {{X: a}}",
         "with.X: must have a name of small letters, digits and underscores, at most 40, with a letter first"),
    ],
)  # fmt: skip
def test_joins_are_refused_with_what_where_and_how_to_mend(tmp_path, stage, fault):
    assert faults(tmp_path, stage) == ([fault] if fault else [])
