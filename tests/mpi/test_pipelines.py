"""Pipelines with MPI branches through the deployed template."""

import json
import re

import pytest

from gristmill import keys
from gristmill.report.model import Report
from tests.integration.mill import Mill


def succeed(mill: Mill, run: str) -> None:
    outcome = mill.finish(run)
    assert outcome["status"] == "SUCCEEDED", outcome["reason"]


def result(mill: Mill, pipeline: str, name: str, run: str, file: str) -> bytes:
    return mill.read(keys.result(pipeline, name, run, file))


def test_every_rank_of_mpi_hello_is_in_the_result(mpi_mill: Mill):
    run = mpi_mill.drop("mpi-hello", "who.txt", b"who is there?\n", nodes="3")
    succeed(mpi_mill, run)
    lines = result(mpi_mill, "mpi-hello", "who.txt", run, "ranks.txt").decode().splitlines()
    assert [line.rpartition(",")[0] for line in lines] == [f"rank {i} of 3 on node {i}" for i in range(3)]
    assert len({line.rpartition(" ")[2] for line in lines}) == 3
    (job,) = mpi_mill.jobs(run)
    assert job["nodeProperties"]["numNodes"] == 3
    report = Report.model_validate_json(result(mpi_mill, "mpi-hello", "who.txt", run, "report.json"))
    (branch,) = report.stages[0].branches
    assert [(child.index, child.status) for child in branch.children_shown] == [
        (node, "SUCCEEDED") for node in range(3)
    ]
    assert all(child.peak_memory and child.cpu_seconds for child in branch.children_shown)
    assert [child.tasks_done for child in branch.children_shown] == [1, 0, 0]


def test_ring_and_reduction_agree(mpi_mill: Mill):
    run = mpi_mill.drop("mpi-ring", "start.txt", b"40\n")
    succeed(mpi_mill, run)
    sums = json.loads(result(mpi_mill, "mpi-ring", "start.txt", run, "sums.json"))
    assert sums == {"ranks": 2, "start": 40, "ring": 41, "reduced": 41}


def test_an_mpi_stage_between_mapped_ones(mpi_mill: Mill):
    run = mpi_mill.drop("mixed", "n.txt", b"".join(b"%d\n" % i for i in range(10)))
    succeed(mpi_mill, run)
    evens, odds = sum(i * i for i in range(0, 10, 2)), sum(i * i for i in range(1, 10, 2))
    doubled = f"{2 * evens}\n{2 * odds}\n{2 * (evens + odds)}\n"
    assert result(mpi_mill, "mixed", "n.txt", run, "doubled.txt").decode() == doubled
    assert result(mpi_mill, "mixed", "n.txt", run, "beside.txt") == b"10 lines\n"


def test_a_program_of_its_own_gets_files_and_parameters(mpi_mill: Mill):
    run = mpi_mill.drop("solver", "in.txt", b"12345", factor="2")
    succeed(mpi_mill, run)
    assert result(mpi_mill, "solver", "in.txt", run, "solved.txt") == b"10 20\n"


@pytest.mark.parametrize(
    ("fail", "reason"),
    [
        ("exit", "rank 1 on node 1 ended with exit code 9"),
        ("cleared", "the program ended well, but its rank 0 wrote no output"),
        ("folder", "the program ended well, but its rank 0 made a folder of its output"),
        ("silent", "the program ended well, but its rank 0 wrote no output"),
    ],
)
def test_a_program_that_fails_is_tried_again_and_then_told(mpi_mill: Mill, fail: str, reason: str):
    run = mpi_mill.drop("solver", f"{fail}.txt", b"12345", fail=fail)
    outcome = mpi_mill.finish(run)
    assert outcome["status"] == "FAILED"
    assert f"solved: 1 of 1 tasks have no output ({reason}" in outcome["reason"]
    assert len(mpi_mill.jobs(run)) == 2


@pytest.mark.parametrize(
    ("how", "reason", "code"),
    [
        ("abort", r"rank [01] on node [01] called MPI_Abort with code 0", 1),
        ("quit", r"rank [01] on node [01] called MPI_Abort with code 1", 1),
        ("die", r"rank 0 on node 0 ended before MPI_Finalize", 1),
        ("hang", r"ran past its time limit of 8 s: rank 0 on node 0, rank 1 on node 1 had not ended", 6),
    ],
)
def test_half_an_output_is_no_success(mpi_mill: Mill, how: str, reason: str, code: int):
    run = mpi_mill.drop("unfinished", f"{how}.txt", b"x", how=how)
    outcome = mpi_mill.finish(run)
    assert outcome["status"] == "FAILED"
    (branch,) = mpi_mill.read_json(keys.check(run, "solve", 0))["branches"]
    (failure,) = branch["failures"]
    assert re.fullmatch(reason, failure["reason"])
    assert failure["exit_code"] == code
    assert "rank 1 solves" in failure["detail"]


def test_what_a_rank_refuses_ends_the_run_at_once(mpi_mill: Mill):
    run = mpi_mill.drop("refusing", "x.txt", b"x")
    outcome = mpi_mill.finish(run)
    assert outcome["status"] == "FAILED"
    why = "rank 1 on node 1: the grain is barley. Grind wheat."
    assert outcome["reason"] == f"solved: 1 of 1 tasks have no output (refused, and so not tried again: {why})"
    assert len(mpi_mill.jobs(run)) == 1


def test_stopping_a_run_ends_all_nodes(mpi_mill: Mill):
    run = mpi_mill.drop("hang", "x.txt", b"x")
    batch = mpi_mill.client("batch")
    mpi_mill._until(lambda: any(job["status"] == "RUNNING" for job in mpi_mill.jobs(run)), 30, "the job does not run")
    mpi_mill.client("stepfunctions").stop_execution(executionArn=mpi_mill.execution(run))
    assert mpi_mill.finish(run)["status"] == "ABORTED"
    (job,) = mpi_mill.jobs(run)
    mpi_mill._until(
        lambda: batch.describe_jobs(jobs=[job["jobId"]])["jobs"][0]["status"] == "FAILED", 30, "the job runs on"
    )


def test_every_rank_has_whole_inputs_joins_lists_and_variables(mpi_mill: Mill):
    for name, body in (("references/words.txt", b"first\n"), ("uploads/1/rows.txt", b"a\nb\nc\n")):
        mpi_mill.client("s3").put_object(Bucket=mpi_mill.bucket, Key=name, Body=body)
    note = {"contract": 1, "input": "uploads/1/rows.txt", "params": {"ks": "[5, 6]"}}
    run = mpi_mill.put(keys.note_key("given", "rows"), json.dumps(note).encode(), {})
    succeed(mpi_mill, run)
    own = [{"words": "first\n", "sums": "2\n1\n"}, "1 of 7", [5, 6], ["ks", "ks_least"]]
    assert json.loads(result(mpi_mill, "given", "rows", run, "function.json")) == ["2\n1\n", own, own]
    rank = [
        ["first\n", "first\n", "2\n1\n"],
        "1 of 7",
        ["5", "6"],
        "5\n6",
        [],
    ]  # the code's folder is named by words that count
    assert json.loads(result(mpi_mill, "given", "rows", run, "program.json")) == [rank, rank]
