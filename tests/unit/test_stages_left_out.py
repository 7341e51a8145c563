"""Stages that are left out: decided by parameters when the run begins, or once a list turns out to be empty."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from gristmill import keys
from gristmill.enums import CheckVerdict
from gristmill.errors import Refused
from gristmill.pipeline.condition import unmet
from gristmill.pipeline.decided import decided, left_out
from gristmill.pipeline.loading import load, read
from gristmill.pipeline.model import Pipeline
from gristmill.runs.cursor import Cursor
from gristmill.runs.locations import frozen, result_branches
from gristmill.runs.records import InputObject, LeftOut, RunRecord
from gristmill.runs.repository import find_newest_finding, read_record
from gristmill.runs.skipping import with_empty, with_skipped
from gristmill.steps.check_output.check_output import check_output
from tests.unit.walk import CLUES, event, resume, walk

WAYS = [Path("tests/pipelines")]
TEXT = b"A b\nC d?\nE f\n"
MADE = "the name of a branch, or of one of its outputs: `branch.output`"
SLOW = "params.mode is fast, not slow"
AFTER = "weighed, which it reads, was left out"
EMPTY = "odd, which it reads, lists nothing"
HEAD = """
version: 1
name: mine
description: d
parameters:
  call: {type: boolean, description: d, default: true}
  mode: {type: string, description: d, default: fast, choices: [fast, slow]}
  depth: {type: integer, description: d, default: 3, minimum: 1}
  bare: {type: boolean, description: d}
stages:
  - {name: one, split: {records: whole}, branches: [{name: a, run: "jobs:a"}, {name: b, run: "jobs:b", merge: none}]}
"""


@pytest.fixture(autouse=True)
def pipelines(monkeypatch):
    monkeypatch.setenv("GRISTMILL_PIPELINES", "tests/pipelines")


def faults(tmp_path: Path, stage: str) -> list[str]:
    file = tmp_path / "mine" / "pipeline.yaml"
    file.parent.mkdir()
    file.write_text(f"{HEAD}{stage}\n", encoding="utf-8")
    try:
        read(file)
    except Refused as refused:
        return [fault.removeprefix(f"{file}") for fault in refused.faults]
    return []


def stage(more: str, branch: str = "") -> str:
    return f'  - {{name: two, split: {{records: whole}}, {more}, branches: [{{name: c, run: "jobs:c"{branch}}}]}}'


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ("when: params.call", ""),
        ("when: params.mode = slow", ""),
        ("when: params.call=false", ""),
        ("when: params.depth = 3", ""),
        ("input: [a], when: params.call", ""),
        ("when: params.cal", "when: params.cal: there is no parameter cal (there are: call, mode, depth, bare)"),
        ("when: params.bare", "when: params.bare: bare may be absent from a run: give the parameter a default"),
        ("when: params.mode", "when: params.mode: mode is of the type string; write params.mode = VALUE"),
        ("when: params.mode = swift",
         "when: params.mode = swift: 'swift' is none of fast, slow, so it would never be done"),
        ("when: params.depth = 0", "when: params.depth = 0: 0 is below the minimum 1, so it would never be done"),
        ("when: params.depth = x",
         "when: params.depth = x: x is not of the type integer, so it would never be done"),
        ("when: call", "when: must be text such as `params.NAME` or `params.NAME = VALUE`, not 'call'"),
        ("when: params.mode != slow",
         "when: must be text such as `params.NAME` or `params.NAME = VALUE`, not 'params.mode != slow'"),
        ("input: [a, z]", "input: z is no merged branch of an earlier stage (there are: a)"),
        ("input: [a, b]", "input: b is no merged branch of an earlier stage (there are: a)"),
        ("input: [a, a]", "input: a stands there twice"),
        ("input: []",
         f"input: must be {MADE}; or a list of these, 1 or more, not a list of 0"),
    ],
)  # fmt: skip
def test_conditions_and_inputs_are_refused_with_what_and_how_to_mend(tmp_path, more, wanted):
    found = faults(tmp_path, stage(more))
    assert [fault.split(": stages.1.")[1] for fault in found] == ([wanted] if wanted else [])


def test_empty_is_for_a_branch_that_is_read_as_a_list(tmp_path):
    (fault,) = faults(tmp_path, stage("input: a", ", empty: ok"))
    assert fault.endswith(
        "stages.1.branches.0.empty: ok is for a branch that a later stage reads as a list; none reads c so"
    )


@pytest.mark.parametrize(
    ("values", "empty", "skipped"),
    [
        ({"clean": True, "mode": "slow"}, [], {}),
        ({"clean": True, "mode": "fast"}, [], {"weighing": SLOW, "reporting": AFTER}),
        ({"clean": True, "mode": "slow"}, ["odd"], {"mending": EMPTY}),
        ({"clean": False, "mode": "slow"}, [], {"washing": "params.clean is false"}),
    ],
)
def test_what_reads_only_what_is_left_out_is_left_out_too(values, empty, skipped):
    pipeline = load("ways", WAYS)
    assert left_out(pipeline, unmet(pipeline, values), empty) == skipped
    made = decided(pipeline, skipped, empty)
    assert [each.name for each in made.stages] == [each.name for each in pipeline.stages if each.name not in skipped]
    assert made.stage("counting").reads == ("washed" if values["clean"] else "raw")
    assert ("told" in [check.of for check in made.checks]) == ("reporting" not in skipped)


def test_a_pipeline_without_conditions_is_decided_as_it_is():
    pipeline = load("strings", [Path("batch_jobs")])
    assert (left_out(pipeline, {}), decided(pipeline, {}, [])) == ({}, pipeline)


def walked(store, claimant, monkeypatch, body: bytes = TEXT, **parameters: str):
    answer = walk(store, claimant, monkeypatch, event(store, "inputs/ways/x.txt", body, **parameters))
    return answer, read_record(store, answer["run"])


def made(store, run: str) -> list[str]:
    prefix = keys.results_prefix("ways", "x.txt", run)
    return sorted(found.key.removeprefix(prefix) for found in store.list(prefix))


def test_a_run_goes_past_what_its_parameters_leave_out(store, claimant, monkeypatch):
    answer, record = walked(store, claimant, monkeypatch)
    assert (answer["verdict"], answer["stage"], answer["last"]) == ("COMPLETE", "mending", True)
    assert record.skipped == {"weighing": SLOW, "reporting": AFTER}
    assert made(store, record.run) == ["counted.txt", "mended.txt", "odd.txt", "raw.txt", "washed.txt"]
    assert store.read(keys.result("ways", "x.txt", record.run, "mended.txt")) == b"mended c d?\n"


def test_the_first_branch_that_is_there_is_read(store, claimant, monkeypatch):
    _, record = walked(store, claimant, monkeypatch, clean="false", mode="slow")
    assert store.read(keys.result("ways", "x.txt", record.run, "mended.txt")) == b"mended C d?\n"
    assert store.read(keys.result("ways", "x.txt", record.run, "told.json")) == b'{"weight": 1}\n'
    assert "washed" not in result_branches(frozen(record))
    other = walked(store, claimant, monkeypatch, mode="slow")[1]
    assert "washed" not in record.fingerprints
    assert record.fingerprints["counted"] != other.fingerprints["counted"]


def test_a_list_of_nothing_leaves_out_what_reads_it_and_the_run_is_green(store, claimant, monkeypatch):
    answer, record = walked(store, claimant, monkeypatch, b"A\nB\n")
    assert (answer["verdict"], answer["stage"], answer["last"]) == ("COMPLETE", "counting", True)
    assert record.empty == ["odd"]
    assert record.skipped == {"weighing": SLOW, "reporting": AFTER, "mending": EMPTY}
    assert made(store, record.run) == ["counted.txt", "odd.txt", "raw.txt", "washed.txt"]
    again = resume(store, claimant, monkeypatch, record.run)
    assert (again["verdict"], again["last"], read_record(store, record.run).skipped) == (
        "COMPLETE",
        True,
        record.skipped,
    )


def test_a_check_that_is_asked_again_leaves_out_the_same(store, claimant, monkeypatch):
    answer, record = walked(store, claimant, monkeypatch, b"A\nB\n")
    finding = find_newest_finding(store, record, "counting")
    assert finding is not None
    assert finding.verdict is CheckVerdict.COMPLETE
    assert check_output(store, CLUES, Cursor(record.run, "counting", 0), {}) == answer
    assert read_record(store, record.run) == record


def changed(claimant, folder: Path, change: Callable[[str], str]):
    """Return a claimant that knows the pipeline as `change` writes it."""
    copytree(WAYS[0] / "ways", folder / "ways")
    file = folder / "ways" / "pipeline.yaml"
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    return replace(claimant, roots=[folder])


def test_a_list_of_nothing_fails_where_it_may_not_be(store, claimant, monkeypatch, tmp_path):
    strict = changed(claimant, tmp_path, lambda text: text.replace(", empty: ok", ""))
    answer, record = walked(store, strict, monkeypatch, b"A\nB\n")
    assert (answer["verdict"], record.empty) == ("FAILED", [])
    why, _, mend = answer["reason"].partition(". ")
    assert why == "odd lists nothing, and stage mending makes a task of each item of it"
    assert mend == "If it may list nothing, say empty: ok at odd in pipeline.yaml."


def test_a_run_with_nothing_to_do_is_refused(store, claimant, monkeypatch, tmp_path):
    first = changed(claimant, tmp_path, lambda text: text.split("  - name: copying")[0])
    answer, record = walked(store, first, monkeypatch, clean="false")
    assert (answer["verdict"], record.skipped) == ("INVALID", {})
    assert record.faults == [
        "nothing would be done, for every stage is left out (washing: params.clean is false); give other parameters"
    ]


def test_a_stage_that_is_left_out_leaves_no_tasks_out():
    """Else a run would end PARTIAL for a branch that it does not have any more."""
    lost = LeftOut(count=1, tasks=9, digest="0" * 16)
    record = decided_record(left_out={"a": lost, "c": lost})
    assert with_skipped(record, {"two": "params.call is false"}).left_out == {"a": lost}
    assert with_empty(record, ["a"]).left_out == {"a": lost}
    assert with_skipped(record, {}).left_out == {"a": lost, "c": lost}


def decided_record(**more: Any) -> RunRecord:
    names = (("one", None, "a"), ("two", "a", "c"))
    given = [
        {"name": stage, "input": reads, "split": {"records": "lines"}, "branches": [{"name": branch, "run": "jobs:f"}]}
        for stage, reads, branch in names
    ]
    pipeline = Pipeline.model_validate({"version": 1, "name": "mine", "description": "d", "stages": given})
    dropped = InputObject(bucket="b", key="inputs/mine/x", version="v", etag="e", size=9, sequencer="")
    claimed = datetime(2026, 1, 2, tzinfo=UTC)
    own: dict[str, Any] = {"run": "0" * 16, "execution": "", "claimed_at": claimed, "owner": "", "input": dropped}
    return RunRecord(**own, pipeline=pipeline, parameters={}, faults=[], **more)
