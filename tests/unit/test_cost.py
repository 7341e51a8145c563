"""Pricing: the sums, the ceiling, and what an execution's history shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gristmill import state_machine
from gristmill.cost.bill import LABELS, Usage, bill, combined, dollars
from gristmill.cost.ceiling import over_ceiling, read_ceiling
from gristmill.cost.estimate import StageInput, estimate, stage_loads
from gristmill.cost.gather import child_times
from gristmill.cost.measured import ChildTime, HistoryCounts, count_history, measured
from gristmill.cost.prices import Prices
from gristmill.enums import Compute
from gristmill.pipeline.loading import load
from gristmill.pipeline.parameters import size_of
from gristmill.pipeline.rules import faults
from gristmill.runs.findings import BranchFinding
from tests.unit.conftest import ROOTS
from tests.unit.test_containers import CONTAINER

START = datetime(2026, 1, 2, tzinfo=UTC)
STRINGS = load("strings", ROOTS)
WORDS = load("words", ROOTS)
VCPUS = {Compute.CPU: 256.0}


def test_every_item_has_a_price_and_a_label():
    assert set(Usage.__dataclass_fields__) == set(Prices.__dataclass_fields__) == set(LABELS)


def test_a_bill_is_usage_times_price():
    priced = bill(Usage(state_transition=20, s3_write=1000), ["state_transition"])
    assert priced.total == pytest.approx(20 * 0.000025 + 0.005)
    assert priced.counted == ["state_transition"]


def test_a_host_costs_what_its_vcpus_memory_and_gpu_cost():
    prices = Prices()
    assert 2 * prices.cpu_vcpu_hour + 4 * prices.cpu_gib_hour == pytest.approx(0.08925)
    assert 2 * prices.cpu_vcpu_hour + 8 * prices.cpu_gib_hour == pytest.approx(0.1008)
    assert 4 * prices.gpu_vcpu_hour + 16 * prices.gpu_gib_hour + prices.gpu_hour == pytest.approx(1.006)


def test_the_bills_of_a_run_and_its_resume_count_a_months_storage_once():
    first = bill(Usage(cpu_vcpu_hour=2, s3_gb_month=3), ["cpu_vcpu_hour", "mail"])
    second = bill(Usage(cpu_vcpu_hour=1, s3_gb_month=5), ["cpu_vcpu_hour"])
    both = combined([first, second])
    assert (both.usage["cpu_vcpu_hour"], both.usage["s3_gb_month"]) == (3, 5)
    assert both.counted == ["cpu_vcpu_hour"]


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "$0.0000"), (0.00001, "less than $0.0001"), (0.00123, "$0.0012"), (1234.5, "$1,234.50")]
)
def test_dollars(amount, text):
    assert dollars(amount) == text


@pytest.mark.parametrize(
    ("metadata", "default", "ceiling"),
    [
        ({}, None, None),
        ({}, 0.0, None),
        ({}, 5.0, 5.0),
        ({"max-cost": "2.50"}, 5.0, 2.5),
        ({"Max_Cost": " $7 "}, None, 7.0),
        ({"max-cost": "0"}, 5.0, None),
        ({"max-cost": ""}, 5.0, None),
    ],
)
def test_the_drops_ceiling_goes_before_the_stacks(metadata, default, ceiling):
    assert read_ceiling(metadata, default) == (ceiling, [])


@pytest.mark.parametrize("text", ["cheap", "-1", "1e9", "nan", "inf", "1,50", "1" * 10, "٣"])
def test_a_ceiling_that_is_no_number_of_dollars_is_a_fault(text):
    ceiling, faults = read_ceiling({"max-cost": text}, 5.0)
    assert ceiling is None
    assert len(faults) == 1
    assert repr(text) in faults[0]


def test_over_the_ceiling_says_how_much_and_what_for():
    dear = bill(Usage(cpu_vcpu_hour=1000, s3_write=10))
    assert over_ceiling(dear, None) == []
    assert over_ceiling(dear, dear.total) == []
    (fault,) = over_ceiling(dear, 5)
    assert "about $38.85" in fault
    assert "its ceiling is $5.00" in fault
    assert "most of it is Batch vCPU-hours, CPU queue $38.85" in fault


def test_an_estimate_grows_with_children_and_bytes_not_with_tasks():
    few = estimate(STRINGS, {}, StageInput(10_000, 10**9, 10**7), VCPUS)
    many = estimate(STRINGS, {}, StageInput(20_000, 10**9, 10**7), VCPUS)
    large = estimate(STRINGS, {}, StageInput(10_000, 2 * 10**9, 10**7), VCPUS)
    assert (few.cpu_vcpu_hour, few.s3_write) == (many.cpu_vcpu_hour, many.s3_write)
    # two branches: 64 children that start in 30 s, and 1 GB at 10 MB/s
    assert few.cpu_vcpu_hour * 3600 == pytest.approx(2 * (64 * 30 + 100))
    assert large.cpu_vcpu_hour * 3600 == pytest.approx(2 * (64 * 30 + 200))


def test_a_later_stage_is_taken_to_read_as_much_as_the_first():
    shout, count = stage_loads(WORDS, {"lines_per_task": 100}, StageInput(10, 10_000, 1000), VCPUS)
    assert (shout.cut.tasks, count.cut.tasks, count.cut.size) == (10, 5, 10_000)
    assert [stage.loads[0].children for stage in (shout, count)] == [2, 2]


def test_an_empty_plan_costs_no_container():
    assert estimate(STRINGS, {}, StageInput(0, 0, 0), VCPUS).cpu_vcpu_hour == 0


def event(number, before, kind, seconds, resource=None):
    details = {"taskStartedEventDetails": {"resourceType": resource}} if resource else {}
    moment = START + timedelta(seconds=seconds)
    return {"id": number, "previousEventId": before, "type": kind, "timestamp": moment, **details}


def test_a_history_tells_states_retries_and_the_time_of_functions_side_by_side():
    history = [
        event(1, 0, "ExecutionStarted", 0),
        event(2, 0, "TaskStateEntered", 0),
        event(3, 2, "TaskScheduled", 0),
        event(4, 3, "TaskStarted", 0, "lambda"),
        event(5, 2, "TaskStateEntered", 0),
        event(6, 5, "TaskScheduled", 0),
        event(7, 6, "TaskStarted", 1, "batch"),
        event(8, 4, "TaskFailed", 3),
        event(9, 8, "TaskScheduled", 5),
        event(10, 9, "TaskStarted", 5, "lambda"),
        event(11, 7, "TaskSucceeded", 9),
    ]
    assert count_history(history, START + timedelta(seconds=10)) == HistoryCounts(
        states=3, invocations=2, seconds=3 + 5
    )


def test_a_measured_bill_times_the_containers_and_derives_the_requests():
    repeat, reverse = STRINGS.stages[0].branches
    found = BranchFinding(
        branch="repeat", tasks=4, done=4, records_in=4, records_out=4, bytes_in=40, bytes_out=80, output="x",
        failures=[], missing=0, problem=None,
    )  # fmt: skip
    steps, child_times = HistoryCounts(10, 3, 2.0), {"repeat": ChildTime(2, 7200.0)}
    priced = measured(
        steps, child_times, [(STRINGS.stages[0], repeat), (STRINGS.stages[0], reverse)], {"repeat": found}, 40, 1
    )
    assert priced.usage["cpu_vcpu_hour"] == 2
    assert priced.usage["cpu_gib_hour"] == 2
    assert priced.usage["state_transition"] == 11
    assert priced.usage["lambda_gb_second"] == pytest.approx(2 * 1769 / 1024)
    assert {"s3_write", "s3_read", "s3_gb_month", "log_gb"}.isdisjoint(priced.counted)


def test_a_multi_node_job_costs_its_nodes_and_the_looks_at_it():
    ring = load("mpi-ring", ROOTS)
    parameters = {
        name: parameter.default for name, parameter in ring.parameters.items() if parameter.default is not None
    }
    usage = estimate(ring, parameters, StageInput(1, 1000, None), VCPUS)
    (branch,) = ring.stages[0].branches
    nodes = size_of(branch.nodes, parameters)
    assert usage.cpu_vcpu_hour * 3600 == pytest.approx(nodes * 30 * branch.vcpus, rel=0.01)
    assert usage.state_transition == state_machine.RUN_STATES + state_machine.attempt_states(
        0, 0
    ) + state_machine.mpi_states(30.001)


def test_looks_at_a_multi_node_job_grow_rarer():
    assert [state_machine.looks(seconds) for seconds in (0, 1, 2, 20)] == [1, 1, 2, 20]
    assert state_machine.mpi_events(86_400) < 1_700


def test_long_multi_node_jobs_with_many_attempts_outgrow_the_history():
    ring = load("mpi-ring", ROOTS)
    stage = ring.stages[0]
    long = stage.branches[0].model_copy(update={"timeout": 7 * 86_400, "attempts": 10})
    pipeline = ring.model_copy(update={"stages": [stage.model_copy(update={"branches": [long]})]})
    assert ("stages",) in [place for place, _ in faults(pipeline)]


def test_all_containers_of_a_branch_are_timed():
    found = [replace(CONTAINER, started=100.0, stopped=stopped) for stopped in (105.0, 110.0, None)]
    assert child_times([*found, replace(CONTAINER, stopped=9.0)]) == {"repeat": ChildTime(4, 15.0)}
