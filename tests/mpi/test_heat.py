"""The heat pipeline: the same answer on any number of ranks, a picture, and a run that goes on after a node's death."""

import io
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from gristmill import keys
from tests.integration.mill import Mill

PLATE = {
    "size": [37, 53],
    "edges": {"top": 100, "left": 20},
    "spots": [{"row": 0.6, "column": 0.7, "radius": 0.2, "temperature": 150}],
    "steps": 400,
    "tolerance": 0,
}


def expected(plate) -> np.ndarray:
    """Solve a plate in the plainest way."""
    rows, columns = plate["size"]
    row, column = np.ogrid[0:rows, 0:columns]
    field = np.zeros((rows, columns))
    for spot in plate["spots"]:
        place = (row / (rows - 1) - spot["row"]) ** 2 + (column / (columns - 1) - spot["column"]) ** 2
        field[place <= spot["radius"] ** 2] = spot["temperature"]
    for line, name in ((field[0], "top"), (field[-1], "bottom"), (field[:, 0], "left"), (field[:, -1], "right")):
        line[:] = plate["edges"].get(name, 0)
    for _ in range(plate["steps"]):
        old = field.copy()
        around = old[:-2, 1:-1] + old[2:, 1:-1] + old[1:-1, :-2] + old[1:-1, 2:]
        field[1:-1, 1:-1] = old[1:-1, 1:-1] * (1 - 4 * 0.2) + around * 0.2
    return field


def solved(mill: Mill, name: str, run: str) -> np.ndarray:
    raw = mill.read(keys.result("heat", name, run, "field.npz"))
    return np.load(io.BytesIO(raw))["field"]


def succeed(mill: Mill, run: str) -> None:
    outcome = mill.finish(run, 120)
    assert outcome["status"] == "SUCCEEDED", outcome["reason"]


def test_four_nodes_give_the_answer_of_one_to_rounding(mpi_mill: Mill):
    body = yaml.safe_dump(PLATE).encode()
    runs = {nodes: mpi_mill.drop("heat", f"on{nodes}.yaml", body, nodes=str(nodes)) for nodes in (1, 4)}
    for run in runs.values():
        succeed(mpi_mill, run)
    alone, together = (solved(mpi_mill, f"on{nodes}.yaml", run) for nodes, run in runs.items())
    np.testing.assert_allclose(together, alone, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(alone, expected(PLATE), rtol=1e-12, atol=1e-12)
    picture = Image.open(io.BytesIO(mpi_mill.read(keys.result("heat", "on4.yaml", runs[4], "picture.png"))))
    assert picture.format == "PNG"
    assert min(picture.size) >= 512
    figures = mpi_mill.read(keys.result("heat", "on4.yaml", runs[4], "figures.csv")).decode().splitlines()
    assert figures[0] == "step,largest_change"
    assert [int(line.split(",")[0]) for line in figures[1:]] == list(range(10, 401, 10))
    changes = [float(line.split(",")[1]) for line in figures[1:]]
    assert changes[-1] < changes[0] / 5
    quality = mpi_mill.read_json(keys.result("heat", "on4.yaml", runs[4], "quality.json"))
    assert (quality["steps"], quality["outside"], quality["largest_rise"]) == (400, 0, 0)


def test_a_field_as_npz_stops_when_nothing_changes_any_more(mpi_mill: Mill):
    buffer = io.BytesIO()
    np.savez(buffer, initial=np.full((12, 12), 7.0), steps=500, tolerance=1e-9)
    run = mpi_mill.drop("heat", "flat.npz", buffer.getvalue())
    succeed(mpi_mill, run)
    assert (solved(mpi_mill, "flat.npz", run) == 7.0).all()
    figures = mpi_mill.read(keys.result("heat", "flat.npz", run, "figures.csv")).decode().splitlines()
    assert figures[1:] == ["10,0"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"size: [3]\nx: 1\n", "the YAML needs `size: [rows, columns]`. It may have edges, spots, start"),
        (b"size: [9, 9]\nedges: {top: .nan}\n", "edges.top is nan, which is no number. Give a finite number."),
    ],
)
def test_a_bad_problem_is_refused_before_any_node_starts(mpi_mill: Mill, body: bytes, reason: str):
    run = mpi_mill.drop("heat", "bad.yaml", body)
    outcome = mpi_mill.finish(run)
    assert outcome["status"] == "FAILED"
    assert reason in mpi_mill.mail(run, "FAILED").get_content().replace("\n", " ")
    assert [job["status"] for job in mpi_mill.jobs(run)] == ["FAILED"]


def test_a_new_attempt_goes_on_from_the_last_checkpoint(mpi_mill: Mill):
    plate = {**PLATE, "size": [64, 64], "steps": 20_000}
    run = mpi_mill.drop("heat", "long.yaml", yaml.safe_dump(plate).encode(), checkpoint_steps="1000")
    prefix = f"{keys.own(run)}solve/field/"
    mpi_mill._until(lambda: mpi_mill.keys(prefix), 60, "no checkpoint")
    check, job = mpi_mill.jobs(run)
    assert (check["status"], job["status"]) == ("SUCCEEDED", "RUNNING")
    assert _kill_daemon(job["jobId"], 1)
    succeed(mpi_mill, run)
    (described,) = mpi_mill.client("batch").describe_jobs(jobs=[job["jobId"]])["jobs"]
    assert len(described["attempts"]) == 2
    events = mpi_mill.client("logs").get_log_events(
        logGroupName=mpi_mill.outputs["JobLogGroupName"],
        logStreamName=described["attempts"][1]["container"]["logStreamName"],
    )["events"]
    assert any("going on from step " in event["message"] for event in events)
    assert described["attempts"][0]["container"]["exitCode"] == 78
    assert _billed(mpi_mill, run) == pytest.approx(_spent(mpi_mill, run), abs=0.02)  # times are whole milliseconds
    np.testing.assert_allclose(solved(mpi_mill, "long.yaml", run), expected(plate), rtol=1e-10, atol=1e-10)


def _billed(mill: Mill, run: str) -> float:
    """Return the vCPU seconds that the run's outcome tells."""
    (outcome,) = [mill.read_json(key) for key in mill.keys(keys.outcomes(run))]
    return float(outcome["cost"]["usage"]["cpu_vcpu_hour"]) * 3600


def _spent(mill: Mill, run: str) -> float:
    """Return the vCPU seconds of all nodes and plain jobs in all their tries, by Batch."""
    nodes = {job["jobId"]: job.get("nodeProperties", {}).get("numNodes", 0) for job in mill.jobs(run)}
    ids = [part for job, count in nodes.items() for part in [f"{job}#{index}" for index in range(count)] or [job]]
    return sum(
        (attempt["stoppedAt"] - attempt["startedAt"]) / 1000 * float(need["value"])
        for part in mill.client("batch").describe_jobs(jobs=ids)["jobs"]
        for need in part["container"]["resourceRequirements"]
        for attempt in part["attempts"]
        if need["type"] == "VCPU"
    )


def _kill_daemon(job: str, node: int) -> bool:
    """Kill the MPI daemon of one node of a job."""
    marks = (f"AWS_BATCH_JOB_ID={job}#{node}\0".encode(), b"PRTE_PREFIX=")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text() == "prted\n" and marks[0] in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
                return True
        except OSError:
            continue
    return False
