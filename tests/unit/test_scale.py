"""Plans of any size keep within the quotas of AWS."""

import math

import pytest

from benchmarks.scale_model import LANE_NAME, TASKS, classic, ours
from gristmill import limits
from gristmill.batch.lanes import Lane
from gristmill.batch.plan import segment_age
from gristmill.clock import Clock
from gristmill.cost.load import Load
from gristmill.errors import Refused
from gristmill.formats import bounds
from gristmill.formats.bounds import check_tasks
from gristmill.formats.lines import Lines
from gristmill.formats.quoted import Csv
from gristmill.formats.reader import UNKNOWN_SIZE, View
from gristmill.pipeline.loading import load
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.rules import faults
from gristmill.worker.child.segment import Segment
from tests.unit.conftest import ROOTS

STRINGS = load("strings", ROOTS)
ARN = f"arn:aws-us-gov:batch:ap-southeast-2:123456789012:job-definition/{LANE_NAME}:10000"
WIDEST = Lane(ARN, ARN, 100_000)  # MaxvCpus of the template at most
NAME = "n" * 38


def wide(stages: int = 1, branches: int = limits.STAGE_BRANCHES_MAX, attempts: int = 3, **more: object) -> Pipeline:
    """Return a pipeline as wide as the schema lets it be, its names as long."""

    def branch(stage: int, place: int) -> dict[str, object]:
        name = f"{chr(97 + stage)}{chr(97 + place)}{NAME}"
        return {"name": name, "run": "jobs:repeat", "target_children": 10**9, "attempts": attempts}

    split = {"records": "lines", "bytes_per_task": 1000}
    made = [
        {
            "name": f"{chr(97 + number)}s{NAME}",
            "split": split,
            "branches": [branch(number, b) | more for b in range(branches)],
        }
        for number in range(stages)
    ]
    return Pipeline.model_validate({"version": 1, "name": "wide", "description": "", "stages": made})


@pytest.mark.parametrize("tasks", TASKS)
@pytest.mark.parametrize(
    "pipeline", [STRINGS, wide(branches=1), wide(branches=2), wide()], ids=["strings", "one", "two", "most"]
)
def test_a_plan_keeps_within_every_quota(tasks, pipeline):
    plan = ours(pipeline, tasks, 1000, WIDEST)
    assert plan.broken() == []
    assert plan.payload < 32 * 1024
    assert plan.events < 1000 * max(1, tasks / 1_000_000)
    assert plan.submit_seconds <= 1
    assert plan.function_seconds < limits.LAMBDA_TIMEOUT_MAX_SECONDS


def test_payload_and_history_do_not_grow_with_the_tasks():
    small, large = (ours(STRINGS, tasks, 100_000, Lane("q", "d", 256)) for tasks in (1_000, 10_000_000))
    assert large.payload - small.payload < 10  # the digits of a longer timeout
    assert (large.events, large.jobs, large.transitions) == (small.events, small.jobs, small.transitions)


def test_the_classic_way_breaks_history_and_payload_where_ours_does_not():
    assert classic(STRINGS, 1_000, 1000).broken() == []
    assert {"history", "payload"} <= set(classic(STRINGS, 10_000, 1000).broken())


def test_a_pipeline_that_may_outgrow_the_history_is_a_fault():
    assert list(faults(wide(stages=5, branches=8, attempts=3))) == []
    assert [place for place, _ in faults(wide(stages=9, branches=16, attempts=10))] == [("stages",)]


def test_more_branches_than_a_stage_may_have_are_refused():
    with pytest.raises(ValueError, match="at most 16 items"):
        wide(branches=17)


def test_more_tasks_than_a_stage_may_have_are_refused_while_they_are_counted(monkeypatch):
    check_tasks(limits.TASKS_MAX)
    with pytest.raises(Refused, match="more than 20,000,000 tasks"):
        check_tasks(limits.TASKS_MAX + 1)
    monkeypatch.setattr(bounds, "TASKS_MAX", 10**6)
    for reader in (Lines(), Csv()):
        with pytest.raises(Refused, match="more than 1,000,000 tasks"):
            reader.by_records(View(UNKNOWN_SIZE, lambda low, high: b"", lambda start: Endless()), 0, 1)


class Endless:
    """A stream of empty lines without end."""

    def read(self, size: int) -> bytes:
        return b"\n" * size


@pytest.mark.parametrize(
    ("children", "most"), [(1, 60), (1_000, 60_000), (5_000, 60_000), (10_000, 20_000), (50_000, 100_000)]
)
def test_a_stage_whose_children_work_for_a_day_leaves_few_receipts(children, most):
    branch = STRINGS.stages[0].branches[0]
    assert Load(branch, 0, 0, 0, children, children * 86_400.0).segments <= most


def test_the_modelled_number_of_segments_is_what_a_child_makes():
    share, clock = segment_age(2_000), [0.0]
    virtual = Clock(unix=lambda: clock[0])
    made, segment = 1, Segment(0, virtual)
    for clock[0] in range(1, 86_400):
        if segment.is_due(share * clock[0]):
            made, segment = made + 1, Segment(0, virtual)
    modelled = Load(STRINGS.stages[0].branches[0], 0, 0, 0, 2_000, 2_000 * 86_400.0).segments / 2_000
    assert math.isclose(made, modelled, abs_tol=2)
