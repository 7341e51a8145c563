"""State is of one size, and data stays where it is, whatever the number of tasks."""

import json
from dataclasses import dataclass

import pytest

from gristmill import keys
from gristmill.limits import STATE_PAYLOAD_MAX
from tests.integration.mill import Mill

SIZES = (10, 10_000)  # tasks


@dataclass(frozen=True)
class Trace:
    """What an execution left: its number of events, and the bytes of the largest one."""

    events: int
    largest: int


@pytest.fixture(scope="module")
def runs(mill: Mill) -> dict[int, str]:
    return {size: mill.drop("strings", f"{size}.txt", b"0123456\n" * size, lines_per_task="1") for size in SIZES}


def trace(mill: Mill, run: str) -> Trace:
    states = mill.client("stepfunctions")
    pages = states.get_paginator("get_execution_history").paginate(executionArn=mill.execution(run))
    sizes = [len(json.dumps(event, default=str).encode()) for page in pages for event in page["events"]]
    return Trace(len(sizes), max(sizes))


def test_ten_tasks_and_ten_thousand_take_the_same_history_and_payload(mill: Mill, runs: dict[int, str]):
    for run in runs.values():
        assert mill.finish(run)["status"] == "SUCCEEDED"
    few, many = (trace(mill, runs[size]) for size in SIZES)
    assert few.events == many.events
    assert many.largest < STATE_PAYLOAD_MAX
    assert abs(few.largest - many.largest) < 100  # a few digits more here and there


def test_a_split_writes_eight_bytes_a_task_and_no_copy_of_the_input(mill: Mill, runs: dict[int, str]):
    size, run = SIZES[1], runs[SIZES[1]]
    mill.finish(run)
    held = mill.sizes(keys.run_prefix(run)) | mill.sizes(keys.work_prefix(run))
    assert held[mill.cut(run, "map").chunks] == 32 + 8 * (size + 1)
    of_branches = sum(count for key, count in held.items() if "/segments/" in key)
    assert of_branches == 3 * 8 * size - size  # repeat writes each line twice, less one line end; reverse once
    others = {key: count for key, count in held.items() if "/segments/" not in key and "/receipts/" not in key}
    assert sum(others.values()) - held[mill.cut(run, "map").chunks] < 16 * 1024  # records, findings: no input
