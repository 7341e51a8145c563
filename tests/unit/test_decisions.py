"""Small pure decisions: keys, shares of tasks, parameters, and what a dead child is said to have died of."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill import keys
from gristmill.limits import BATCH_ARRAY_MAX
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.parameters import owner, resolve
from gristmill.runs.drop import is_no_drop, run_id
from gristmill.sharing import child_places, group_sizes
from gristmill.steps.check_output.causes import explain

BRANCH = keys.BranchKeys("r", "s", "b", "f")
TASKS = st.integers(0, 10**12 - 1)
PIPELINE = Pipeline.model_validate(
    {
        "version": 1,
        "name": "mill",
        "description": "for tests",
        "parameters": {
            "lines_per_task": {"type": "integer", "description": "lines", "default": 10, "minimum": 1, "maximum": 99},
            "bytes_per_task": {"type": "integer", "description": "bytes", "minimum": 1},
            "rate": {"type": "number", "description": "a rate"},
            "dry": {"type": "boolean", "description": "dry"},
            "grain": {"type": "string", "description": "which", "choices": ["rye", "oats"]},
        },
        "stages": [
            {
                "name": "map",
                "split": {
                    "records": "lines",
                    "records_per_task": "params.lines_per_task",
                    "bytes_per_task": "params.bytes_per_task",
                },
                "branches": [{"name": "one", "run": "jobs:one"}],
            }
        ],
    }
)


@given(TASKS, TASKS)
def test_the_span_of_a_segment_is_read_from_its_key_and_its_receipts(first, end):
    span = keys.Span(first, end)
    read = span if first < end else None
    assert keys.parse_span(BRANCH.segment(span)) == read
    assert keys.parse_span(BRANCH.receipt(span)) == read


@given(TASKS, TASKS)
def test_the_order_of_keys_is_that_of_numbers(number, other):
    first, second = (BRANCH.segment(keys.Span(task, task + 1)) for task in (number, other))
    assert (first < second) is (number < other)


@given(TASKS, st.integers(0, 9999))
def test_a_failures_key_tells_task_and_attempt(task, attempt):
    key = BRANCH.failure(task, attempt)
    assert keys.parse_failure(key) == (task, attempt)


@given(st.text("ab-", min_size=1), st.text(min_size=0))
def test_an_input_key_is_taken_apart_as_it_was_made(pipeline, name):
    assert keys.parse_input(keys.input_key(pipeline, name)) == keys.Dropped(pipeline, name)


def test_a_key_outside_inputs_is_no_input():
    with pytest.raises(ValueError, match="not an input key"):
        keys.parse_input("results/strings/x")


@given(st.integers(1, 100_000), st.integers(1, 50), st.integers(1, 200))
def test_children_share_the_tasks_without_gap_or_overlap_and_evenly(todo, groups, children):
    places = [
        child_places(todo, group, groups, child, children) for group in range(groups) for child in range(children)
    ]
    assert places[0].first == 0
    assert places[-1].end == todo
    assert all(before.end == other.first for before, other in itertools.pairwise(places))
    assert max(place.count for place in places) <= todo // (groups * children) + 2


@given(st.integers(1, 200_000))
def test_groups_are_few_even_and_no_larger_than_an_array(count):
    sizes = group_sizes(count)
    assert sum(sizes) == count
    assert max(sizes) <= BATCH_ARRAY_MAX
    assert len(sizes) == -(-count // BATCH_ARRAY_MAX)
    assert max(sizes) - min(sizes) <= 1


def test_the_version_makes_the_run_where_there_is_one():
    assert run_id("b", "k", "v1", "e", "1") == run_id("b", "k", "v1", "other", "2")
    assert run_id("b", "k", "v1", "e", "1") != run_id("b", "k", "v2", "e", "1")
    for version in (None, "", "null"):
        assert run_id("b", "k", version, "e", "1") != run_id("b", "k", version, "e", "2")


@pytest.mark.parametrize("name", ["", "folder/", ".hidden", "x.part", "x.TMP", "x~", "sub/.x"])
def test_folder_markers_and_temporary_names_start_nothing(name):
    assert is_no_drop(f"inputs/mill/{name}")


def test_parameters_are_read_with_hyphens_in_any_case_and_with_defaults():
    values, faults = resolve(PIPELINE, {"Lines-Per-Task": " 7 ", "dry": "TRUE", "rate": "1e3", "owner": "miller"})
    assert faults == []
    assert values == {"lines_per_task": 7, "dry": True, "rate": 1000.0}


def test_a_given_size_puts_the_others_default_out_of_force():
    assert resolve(PIPELINE, {"bytes_per_task": "5"}) == ({"bytes_per_task": 5}, [])


def test_all_faults_are_told_at_once():
    given = {"lines_per_task": "0", "bytes_per_task": "x", "rate": "nan", "dry": "maybe", "grain": "rice", "gran": "1"}
    _, faults = resolve(PIPELINE, given)
    text = "\n".join(faults)
    for words in (
        "0 is below the minimum 1",
        "'x' is not a whole number",
        "'nan' is not a number",
        "'maybe' is not true or false",
        "'rice' is none of rye, oats",
        "has no such parameter",
        "did you mean grain?",
        "give one or the other, not both",
    ):
        assert words in text


@pytest.mark.parametrize("text", ["1.5", "1e3", "٣", "0x10", "", "9" * 30, "1_000"])
def test_what_is_no_whole_number_is_refused(text):
    _, faults = resolve(PIPELINE, {"lines_per_task": text})
    assert len(faults) == 1


def test_the_owner_is_who_says_so_else_who_uploaded():
    assert owner({"owner": "miller"}, "123") == "miller"
    assert owner({}, "123") == "123"
    assert owner({}, "") == "unknown"
    assert len(owner({"owner": "x" * 500}, "")) == 100


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ((1, None, None), "exit code 1"),
        ((143, None, "Terminated"), "Terminated; killed by SIGTERM (exit code 143)"),
        ((137, None, None), "killed by SIGKILL (exit code 137); perhaps out of memory: give the branch more `memory`"),
        ((255, None, None), "killed by signal 127 (exit code 255)"),
        (
            (None, "CannotPullContainerError: x", "Task failed to start"),
            "Task failed to start; CannotPullContainerError: x",
        ),
        ((None, "same", "same"), "same"),
        ((None, None, None), "the job failed and gave no reason"),
    ],
)
def test_a_dead_child_is_put_into_one_line(given, line):
    assert explain(*given) == line
