"""What a run costs, and that it may not cost more than it is allowed, through the deployed template."""

import json

import pytest

from embedded_aws.settings.settings import CALLS_FILE
from gristmill import keys
from gristmill.client.deploy import deploy
from gristmill.client.runs.costs import cost_of
from gristmill.client.stack import Stack
from gristmill.runs.records import Bill
from tests.integration.mill import Mill
from tests.integration.policies import count_requests
from tests.project import PROJECT

TEXT = b"to whom it may concern\n" * 200


def test_the_model_counts_the_requests_of_pairs_and_references(mill: Mill):
    log = mill.data / CALLS_FILE
    for number, key in enumerate(("uploads/cost/R1.fq", "uploads/cost/R2.fq", "references/cost.fa")):
        body = b"".join(b"@r%d/%d\nA\n+\nI\n" % (read, number + 1) for read in range(200))
        mill.client("s3").put_object(Bucket=mill.bucket, Key=key, Body=body)
    note = {
        "contract": 1,
        "input": "uploads/cost/R1.fq",
        "inputs": {"mates": "uploads/cost/R2.fq", "genome": "references/cost.fa"},
        "params": {"reads_per_task": "20"},
    }
    start = log.stat().st_size
    run = mill.put(keys.note_key("mates", "cost"), json.dumps(note).encode(), {})
    usage = mill.finish(run)["cost"]["usage"]
    mill.mail(run, "SUCCEEDED")
    made = count_requests(log, start)
    for kind in ("s3_write", "s3_read"):
        assert usage[kind] == pytest.approx(made[kind], rel=0.05)


def entered(mill: Mill, run: str) -> int:
    """Count the states that the run's execution entered."""
    pages = mill.client("stepfunctions").get_paginator("get_execution_history")
    events = [event for page in pages.paginate(executionArn=mill.execution(run)) for event in page["events"]]
    return sum(event["type"].endswith("StateEntered") for event in events)


def test_outcome_and_mail_tell_what_the_run_cost_and_what_was_expected(mill: Mill):
    run = mill.drop("strings", "priced.txt", TEXT, lines_per_task="50")
    outcome = mill.finish(run)
    cost, expected = outcome["cost"], mill.read_json(keys.estimate(run))
    assert cost["usage"]["state_transition"] == entered(mill, run) == expected["usage"]["state_transition"]
    assert cost["usage"]["lambda_request"] == 6 == expected["usage"]["lambda_request"]
    assert cost["usage"]["cpu_vcpu_hour"] > 0
    assert cost["usage"]["s3_write"] == expected["usage"]["s3_write"]
    assert cost["total"] == pytest.approx(sum(cost["dollars"].values()))
    assert outcome["estimate"] == expected["total"]
    assert "state_transition" in cost["counted"]
    assert "s3_write" not in cost["counted"]
    shown = cost_of(Stack(mill.target, "gristmill", mill.outputs, "CREATE_COMPLETE"), run)
    assert shown.bill == Bill.model_validate(cost)
    assert shown.line.endswith(" on AWS; free here")
    body = mill.mail(run, "SUCCEEDED").get_content()
    assert f"Cost      about ${cost['total']:.4f} (estimated $" in body
    assert f"(estimated ${expected['total']:.4f})\n" in body


def test_a_run_above_its_ceiling_is_refused_before_any_job_starts(mill: Mill):
    run = mill.drop("strings", "dear.txt", TEXT, max_cost="0.0001")
    outcome = mill.finish(run)
    assert outcome["status"] == "FAILED"
    assert mill.jobs(run) == []
    body = mill.mail(run, "FAILED").get_content()
    for word in ("the run would cost about $0.0", "its ceiling is $0.0001", "Nothing was started", "higher max-cost"):
        assert word in body


def test_a_run_below_its_ceiling_goes(mill: Mill):
    run = mill.drop("strings", "cheap.txt", TEXT, max_cost="1.50")
    assert mill.finish(run)["status"] == "SUCCEEDED"
    assert mill.read_json(keys.run_record(run))["max_cost"] == 1.5


def test_a_ceiling_that_is_no_number_is_told_with_the_other_faults(mill: Mill):
    run = mill.drop("strings", "faults.txt", TEXT, max_cost="cheap", lines_per_task="0")
    assert mill.finish(run)["status"] == "FAILED"
    body = mill.mail(run, "FAILED").get_content()
    assert "max_cost: 'cheap' is not a number of dollars" in body
    assert "lines_per_task: 0 is below the minimum 1" in body


@pytest.fixture(scope="module")
def thrifty(mill: Mill) -> Mill:
    """A second stack, whose operator set a ceiling."""
    clients = {name: mill.client(name) for name in ("s3", "cloudformation")}
    return Mill(mill.endpoint, mill.data, deploy(clients, PROJECT, "thrifty", {"MaxCost": "0.0001"}))


def test_the_operators_ceiling_holds_where_the_drop_sets_none(thrifty: Mill):
    run = thrifty.drop("strings", "dear.txt", TEXT)
    outcome = thrifty.finish(run)
    assert outcome["status"] == "FAILED"
    assert "its ceiling is $0.0001" in outcome["reason"]
    assert thrifty.jobs(run) == []


def test_a_drop_that_sets_a_ceiling_goes_before_the_operators(thrifty: Mill):
    run = thrifty.drop("strings", "allowed.txt", TEXT, max_cost="1")
    assert thrifty.finish(run)["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("pipeline", "body", "parameters"),
    [
        ("strings", TEXT, {"lines_per_task": "50"}),
        ("checked", b'{"error": 0, "sieve": {"noise": 0}}', {}),
        ("joins", b"a b\nc\nd e f\n", {}),
    ],
)
def test_the_model_counts_the_requests_that_a_run_makes(
    mill: Mill, pipeline: str, body: bytes, parameters: dict[str, str]
):
    log = mill.data / CALLS_FILE
    start = log.stat().st_size
    run = mill.drop(pipeline, "requests.json", body, **parameters)
    outcome = mill.finish(run)
    mill.mail(run, "SUCCEEDED")
    usage, expected = outcome["cost"]["usage"], mill.read_json(keys.estimate(run))["usage"]
    made = count_requests(log, start)
    assert made["table_write"] == 2  # at the claim and at the end; each has a unit of the row, and of its indexes
    assert usage["table_write"] == expected["table_write"] == 11
    for kind in ("s3_write", "s3_read"):
        assert usage[kind] == pytest.approx(made[kind], rel=0.05)
        assert expected[kind] == usage[kind]
