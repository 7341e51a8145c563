"""How many children share a branch's tasks: by what it says, by its work, by what runs at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill import keys
from gristmill.batch.lanes import Lane
from gristmill.batch.plan import CHILDREN_BY_DEFAULT_MAX, Share, Work, children, children_basis
from gristmill.enums import Compute
from gristmill.limits import MIB, STAGE_CHILDREN_MAX
from gristmill.pipeline.branch import Branch
from gristmill.runs.cursor import Cursor
from gristmill.runs.locations import branch_keys
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import read_record
from gristmill.runs.request import read_request
from gristmill.steps.job_map.job_map import job_map
from gristmill.steps.split.split import split
from tests.unit.walk import LANES, event

SHARE = "its share of what runs at once"


def branch(**more: object) -> Branch:
    return Branch.model_validate({"name": "a", "run": "jobs:run", **more})


@pytest.mark.parametrize(
    ("work", "more", "share", "wanted", "basis"),
    [
        (Work(1, 100), {}, Share(256), 1, "one a task"),
        (Work(2, 100), {}, Share(256), 2, "one a task"),
        (Work(16, 1_000), {}, Share(256), 2, "the least"),
        (Work(100, 1_000), {}, Share(256), 13, "8 tasks a child"),
        (Work(2_000, 1_000_000), {}, Share(256), 250, "8 tasks a child"),
        (Work(2_000, 1_000_000), {}, Share(64), 64, SHARE),
        (Work(2_000, 1_000_000), {}, Share(64, branches=4), 16, SHARE),
        (Work(2_000, 1_000_000), {"vcpus": 8}, Share(64), 8, SHARE),
        (Work(2_000, 1_000_000), {"vcpus": 8}, Share(4), 1, SHARE),
        (Work(100, 800 * MIB), {}, Share(256), 100, "one a task"),
        (Work(200, 800 * MIB), {}, Share(256), 100, "8 MiB a child"),
        (Work(200, None), {}, Share(256), 100, "2 items a child"),
        (Work(1_000_000, 10**9), {}, Share(10**6), CHILDREN_BY_DEFAULT_MAX, "the most"),
        (Work(500, 25_000), {"expects": {"seconds_per_task": 300}}, Share(256), 256, SHARE),
        (Work(500, 25_000), {"expects": {"seconds_per_task": 0.001}}, Share(256), 1, "the work that it expects"),
        (Work(500, 6 * 10**9), {"expects": {"bytes_per_second": "50MB"}}, Share(256), 2, "the work that it expects"),
        (Work(500, 1_000), {"target_children": 400}, Share(1_000), 400, "target_children"),
        (Work(500, 1_000), {"target_children": 400}, Share(300), 300, "what runs at once"),
        (Work(10**6, 1), {"target_children": 10**6}, Share(10**9, 16), STAGE_CHILDREN_MAX // 16,
         "what a stage may have"),
    ],
)  # fmt: skip
def test_the_number_of_children_follows_from_work_and_capacity(work, more, share, wanted, basis):
    assert (children(work, branch(**more), share), children_basis(work, branch(**more), share)) == (wanted, basis)


@given(
    st.integers(1, 10**7),
    st.none() | st.integers(0, 10**13),
    st.floats(0.25, 10**5),
    st.integers(1, 16),
    st.sampled_from([{}, {"target_children": 7}, {"vcpus": 4}, {"expects": {"seconds_per_task": 2}}]),
)
def test_children_are_never_none_nor_more_than_tasks_or_than_run_at_once(tasks, size, max_vcpus, branches, more):
    made, share = branch(**more), Share(max_vcpus, branches)
    count = children(Work(tasks, size), made, share)
    assert 1 <= count <= min(tasks, share.at_once(made))
    assert children(Work(tasks + 1, size), made, share) >= count


@pytest.fixture
def run(store, claimant, monkeypatch) -> str:
    monkeypatch.setenv("GRISTMILL_PIPELINES", "tests/pipelines")
    drop = event(store, "inputs/words/x.txt", b"a b\n" * 40, **{"lines-per-task": "1"})
    return str(split(store, read_request(drop, store.bucket), claimant)["run"])


def test_a_job_map_that_is_tried_again_plans_the_same_whatever_the_capacity_is_by_then(store, run):
    cursor = Cursor(run, "shout", 0)
    first = job_map(store, {Compute.CPU: LANES[Compute.CPU]}, cursor)
    wider = {Compute.CPU: Lane("queue", "definition", 100)}
    assert [group["size"] for branch in first["arrays"] for group in branch["groups"]] == [3]
    assert job_map(store, wider, cursor) == first
    following = job_map(store, wider, Cursor(run, "shout", 1))
    assert [group["size"] for branch in following["arrays"] for group in branch["groups"]] == [5]
    kept = branch_keys(read_record(store, run), "shout", "upper").plan(0)
    assert store.read(kept) == b'{"contract":1,"children":3,"memory":1024}'


def test_a_run_that_was_frozen_before_containers_were_planned_keeps_its_number(store, run):
    record = RunRecord.model_validate_json(store.read(keys.run_record(run)))
    older = record.model_dump(mode="json")
    older["pipeline"]["stages"][0]["branches"][0]["target_children"] = 2
    store.put(keys.run_record(run), RunRecord.model_validate(older).model_dump_json().encode())
    mapped = job_map(store, LANES, Cursor(run, "shout", 0))
    assert [group["size"] for group in mapped["arrays"][0]["groups"]] == [2]
