"""A run's containers, as ListJobs tells of them."""

from dataclasses import replace
from datetime import UTC, datetime

from gristmill.batch.containers import Container, containers
from gristmill.pipeline.loading import load
from gristmill.runs.locations import branch_keys
from gristmill.runs.records import InputObject, RunRecord
from tests.unit.conftest import ROOTS

CONTAINER = Container("j", "map", "repeat", 0, 0, 0, "SUCCEEDED", 1.0, None, None, None, "")
RECORD = RunRecord(
    run="0123456789abcdef",
    execution="e",
    claimed_at=datetime(2026, 1, 2, tzinfo=UTC),
    owner="miller",
    input=InputObject(bucket="b", key="inputs/strings/x", version=None, etag="", size=1, sequencer=""),
    pipeline=load("strings", ROOTS),
    parameters={},
    faults=[],
)


class ToldBatch:
    """A Batch with these jobs, by what ListJobs is asked."""

    def __init__(self, jobs, parts):
        self.jobs, self.parts, self.asked = jobs, parts, []

    def describe_jobs(self, jobs):
        return {"jobs": [part for part in self.parts if part["jobId"] in jobs]}

    def get_paginator(self, _name):
        return self

    def paginate(self, **which):
        if "jobQueue" in which:
            return [{"jobSummaryList": self.jobs}]
        self.asked.append(which)
        return [{"jobSummaryList": [part for part in self.parts if part["status"] == which["jobStatus"]]}]


def summary(number, branch="repeat", status="SUCCEEDED", **more):
    name = branch_keys(RECORD, "map", branch).job_name(2, number)
    return {"jobId": f"job-{number}", "jobName": name, "createdAt": 1000, "status": status, **more}


def test_children_nodes_and_plain_jobs_are_told_apart():
    array = summary(0, arrayProperties={"size": 2}, status="FAILED")
    nodes = summary(1, "reverse", nodeProperties={"numNodes": 1})
    plain = summary(2, startedAt=2000, stoppedAt=4000)
    children = [
        summary(0, arrayProperties={"index": 1}, status="FAILED", container={"exitCode": 1, "reason": "why"}),
        {**summary(1, nodeProperties={"nodeIndex": 0}, status="FAILED"), "jobId": "job-1#0"},
    ]
    batch = ToldBatch([array], children[:1])
    (child,) = containers(batch, ["q"], RECORD)
    assert [request["jobStatus"] for request in batch.asked] == ["FAILED", "SUCCEEDED"]
    failed = replace(CONTAINER, job_id="job-0", attempt=2, index=1, status="FAILED", exit_code=1, reason="why")
    assert child == failed
    (node,) = containers(ToldBatch([nodes], children[1:]), ["q"], RECORD)
    assert (node.job_id, node.branch, node.status) == ("job-1#0", "reverse", "SUCCEEDED")
    (job,) = containers(ToldBatch([plain], []), ["q"], RECORD)
    assert (job.group, job.started, job.seconds) == (2, 2.0, 2.0)


def test_a_node_is_timed_through_all_its_tries_of_the_job():
    tries = [
        {"startedAt": 1_000, "stoppedAt": 4_000},
        {"startedAt": 5_000, "stoppedAt": 5_500},
        {"container": {}},  # it never began
        {"startedAt": 6_000, "stoppedAt": 8_000},
    ]
    job = summary(1, "reverse", nodeProperties={"numNodes": 1})
    node = {**summary(1, nodeProperties={"nodeIndex": 0}), "jobId": "job-1#0", "startedAt": 6_000, "stoppedAt": 8_000}
    (found,) = containers(ToldBatch([job], [{**node, "attempts": tries}]), ["q"], RECORD)
    assert (found.started, found.stopped, found.earlier, found.seconds) == (6.0, 8.0, 3.5, 5.5)


def test_a_job_that_has_not_ended_is_asked_for_children_in_any_state():
    batch = ToldBatch([summary(0, arrayProperties={"size": 2}, status="RUNNING")], [])
    assert list(containers(batch, ["q"], RECORD)) == []
    assert len(batch.asked) == 7


def test_jobs_of_a_branch_that_the_pipeline_lacks_are_no_business_of_the_run():
    assert list(containers(ToldBatch([summary(0, "other")], []), ["q"], RECORD)) == []
