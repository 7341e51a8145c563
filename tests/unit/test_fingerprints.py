"""What a fingerprint is made of: all that decides what is computed, and nothing that decides how."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gristmill.errors import Superseded
from gristmill.pipeline.fields import Closed, Effect
from gristmill.pipeline.model import Pipeline
from gristmill.runs.code import Code
from gristmill.runs.fingerprints import why_redone, with_fingerprints
from gristmill.runs.locations import branch_keys, stage_keys
from gristmill.runs.records import InputObject, RunRecord
from gristmill.runs.repository import read_record, revise_record
from gristmill.runs.skipping import with_empty
from gristmill.steps.job_map.job_map import job_map
from gristmill.steps.merge.merge import merge
from gristmill.steps.split.split import split
from gristmill.worker.child.__main__ import make_runner
from gristmill.worker.child.setting import read_setting
from tests.unit.walk import LANES, Cursor, event, read_request

FIRST = {"name": "first", "split": {"records": "lines", "records_per_task": "params.size"}}
CLEAN: dict[str, Any] = {"name": "clean", "run": "jobs:clean"}
COUNT: dict[str, Any] = {"name": "count", "run": "jobs:count"}
OTHER: dict[str, Any] = {"name": "other", "command": ["cp", "{input}", "{output}"]}
SOLVE: dict[str, Any] = {"name": "solve", "mpi": "jobs:solve", "nodes": "params.nodes", "vcpus": 2}
CODE_A, CODE_B = (Code(digest=letter * 64, sources=letter * 64, built_in=False) for letter in "ab")
VALUES = {"size": 10, "nodes": 2}


def record_of(
    clean: dict[str, Any] = CLEAN,
    count: dict[str, Any] = COUNT,
    second: dict[str, Any] | None = None,
    values: dict[str, Any] = VALUES,
    etag: str = "a",
    code: Code = CODE_A,
    **more: Any,
) -> RunRecord:
    stages = [
        {**FIRST, "branches": [clean, OTHER]},
        {"name": "second", "input": "clean", "split": {"records": "lines"}, "branches": [count], **(second or {})},
        {"name": "third", "input": "other", "split": {"records": "whole"}, "branches": [SOLVE]},
    ]
    given = {"version": 1, "name": "p", "description": "P.", "stages": stages, **more}
    dropped = InputObject(bucket="b", key="inputs/p/x", version="v", etag=etag, size=9, sequencer="")
    record = RunRecord(
        run="0" * 16,
        execution="",
        claimed_at=datetime(2026, 1, 2, tzinfo=UTC),
        owner="",
        input=dropped,
        pipeline=Pipeline.model_validate(given),
        parameters=values,
        code=code,
        faults=[],
    )
    return with_fingerprints(record)


ALL = {"clean", "other", "count", "solve"}
CHANGES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "memory": ({"clean": {**CLEAN, "memory": 4096}}, set()),
    "timeout, attempts, vcpus": ({"clean": {**CLEAN, "timeout": 5, "attempts": 1, "vcpus": 2}}, set()),
    "compute, so the image": ({"clean": {**CLEAN, "compute": "gpu", "gpus": 2}}, {"clean", "count"}),
    "containers, expectations": ({"clean": {**CLEAN, "target_children": 9, "expects": {"seconds_per_task": 1}}}, set()),
    "a default spelled out": ({"clean": {**CLEAN, "merge": "concat", "output": "stream"}}, set()),
    "how counts are judged": ({"clean": {**CLEAN, "same_record_count": False}}, set()),
    "description, results, checks": ({"description": "Q.", "results": ["count"]}, set()),
    "what it accepts": ({"accepts": {"suffixes": [".txt"]}}, set()),
    "a function, and what reads it": ({"clean": {**CLEAN, "run": "jobs:wash"}}, {"clean", "count"}),
    "a later function": ({"count": {**COUNT, "run": "jobs:sum"}}, {"count"}),
    "suffix": ({"count": {**COUNT, "suffix": ".csv"}}, {"count"}),
    "output_records": ({"count": {**COUNT, "output_records": "csv"}}, {"count"}),
    "merge": ({"count": {**COUNT, "merge": "none"}}, {"count"}),
    "what a stage reads": ({"second": {"input": "other"}}, {"count"}),
    "how a stage is cut": ({"second": {"split": {"records": "lines", "records_per_task": 7}}}, {"count"}),
    "the size of a cut": ({"values": {**VALUES, "size": 11}}, ALL),
    "nodes": ({"values": {**VALUES, "nodes": 3}}, ALL),  # every parameter counts
    "the code, of what can see it": ({"code": CODE_B}, {"clean", "count", "solve"}),
    "texts of the code that are pipeline.yaml": ({"code": CODE_A.model_copy(update={"digest": "c" * 64})}, set()),
    "the image": ({"image": "science"}, ALL),
    "a job definition": ({"job_definition": "own"}, ALL),
    "the dropped file": ({"etag": "b"}, ALL),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_decides_the_outputs_changes_a_fingerprint_and_nothing_else_does(what: str):
    change, expected = CHANGES[what]
    before, after = record_of().fingerprints, record_of(**change).fingerprints
    assert {name for name in ALL if before[name] != after[name]} == expected


def test_a_branch_that_names_its_parameters_keeps_its_work_when_others_change():
    named = {**COUNT, "parameters": ["nodes"]}
    before, after = (record_of(count=named, values={**VALUES, "more": more}) for more in (1, 2))
    changed = {name for name in ALL if before.fingerprints[name] != after.fingerprints[name]}
    assert changed == {"clean", "other", "count", "solve"}  # it reads a branch that is handed all of them
    alone = {**CLEAN, "parameters": ["size"]}
    before, after = (record_of(alone, named, values={**VALUES, "more": more}) for more in (1, 2))
    changed = {name for name in ALL if before.fingerprints[name] != after.fingerprints[name]}
    assert changed == {"other", "solve"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"code": CODE_B}, {"clean": "code aaaa…→bbbb…", "count": "its input changed", "other": ""}),
        ({"values": {**VALUES, "size": 11}}, {"clean": "records_per_task 10→11, parameter size 10→11"}),
        ({"clean": {**CLEAN, "name": "wash"}, "second": {"input": "wash"}}, {"wash": "it is new"}),
        (
            {"count": {**COUNT, "run": "jobs:sum", "suffix": ".csv"}},
            {"count": "run jobs:count→jobs:sum, suffix none→.csv"},
        ),
        ({"count": {"name": "count", "script": "x" * 99}}, {"count": "run jobs:count→none, script changed"}),
        ({"image": "science"}, {"other": "image cpu→science"}),
        ({"clean": {**CLEAN, "memory": 4096}}, dict.fromkeys(ALL, "")),
    ],
)
def test_why_a_branch_is_redone_is_told_in_words(change: dict[str, Any], why: dict[str, str]):
    before, after = record_of(), record_of(**change)
    assert {branch: why_redone(before, after, branch) for branch in why} == why


def test_gpus_of_a_container_do_not_decide_an_output():
    fewer, more = (record_of(clean={**CLEAN, "compute": "gpu", "gpus": gpus}).fingerprints for gpus in (1, 2))
    assert fewer == more


def test_why_a_branch_is_redone_is_told_of_one_that_was_left_out_for_an_empty_list():
    listing, second = {**CLEAN, "empty": "ok"}, {"split": {"records": "list"}}
    before = with_empty(record_of(clean=listing, second=second), ["clean"])
    after = record_of(clean=listing, second=second, code=CODE_B)
    assert "count" in before.fingerprints
    assert why_redone(before, after, "count") == "it was left out"


def test_ranks_are_as_many_as_vcpus_say_and_those_decide_an_mpi_output():
    changed = record_of()
    assert changed.pipeline
    solve = changed.pipeline.stage("third")
    more = solve.model_copy(update={"branches": [solve.branches[0].model_copy(update={"vcpus": 4})]})
    stages = [*changed.pipeline.stages[:2], more]
    after = with_fingerprints(
        changed.model_copy(update={"pipeline": changed.pipeline.model_copy(update={"stages": stages})})
    )
    assert after.fingerprints["solve"] != changed.fingerprints["solve"]


def test_every_cut_and_branch_has_keys_of_its_own_fingerprint():
    record = record_of()
    assert branch_keys(record, "first", "clean").fingerprint == record.fingerprints["clean"]
    assert stage_keys(record, "second").chunks.endswith(f"/second/chunks-{record.cuts['second']}.idx")
    assert len({*record.fingerprints.values(), *record.cuts.values()}) == len(ALL) + 3


def parts(schema: type[Closed]) -> Iterator[type[Closed]]:
    """Yield every part of the schema of `pipeline.yaml`."""
    if schema.__module__.startswith("gristmill.pipeline."):
        yield schema
    for inner in schema.__subclasses__():
        yield from parts(inner)


def test_every_field_of_the_schema_says_whether_a_change_of_it_keeps_what_is_done():
    fields = {f"{part.__name__}.{name}": field for part in parts(Closed) for name, field in part.model_fields.items()}
    untagged = [name for name, field in fields.items() if sum(isinstance(tag, Effect) for tag in field.metadata) != 1]
    assert len(fields) > 50
    assert untagged == []


def test_a_child_of_another_fingerprint_ends_as_superseded_and_writes_nothing(store, claimant, tmp_path):
    drop = event(store, "inputs/strings/x.txt", b"a\n" * 10)
    answer = split(store, read_request(drop, store.bucket), claimant)
    cursor = Cursor(answer["run"], answer["stage"], answer["attempt"])
    (job, *_) = job_map(store, LANES, cursor)["arrays"]
    words = [word for name, value in job["groups"][0]["parameters"].items() for word in (f"--{name}", value)]
    setting = read_setting(words, {"BUCKET": store.bucket})
    changed = {job["branch"]: "f" * 16}
    revise_record(
        store,
        cursor.run,
        lambda record: record.model_copy(update={"fingerprints": {**record.fingerprints, **changed}}),
    )
    with pytest.raises(Superseded, match=f"this job is of {setting.fingerprint}, the run is at {'f' * 16} by now"):
        make_runner(setting, store, tmp_path)
    assert list(store.list(f"work/{cursor.run}/")) == []
    assert merge(store, cursor, job["branch"])["merged"] is False
    assert branch_keys(read_record(store, cursor.run), "map", job["branch"]).fingerprint == "f" * 16
