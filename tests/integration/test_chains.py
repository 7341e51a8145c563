"""Chains on the deployed template: a success starts the next pipeline, and others' rules hear of it."""

import json
import uuid
from collections.abc import Iterator

import pytest

from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli

__all__ = ["cli"]


@pytest.fixture
def inbox(mill: Mill) -> Iterator[str]:
    """Give a queue that gets the ends of all runs of tick, by a rule of somebody else."""
    events, sqs, name = mill.client("events"), mill.client("sqs"), f"others-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["gristmill"],
        "detail-type": ["Gristmill Run Ended"],
        "detail": {"pipeline": ["tick"], "status": ["SUCCEEDED"]},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    yield url
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)


def test_a_success_starts_the_next_pipeline_which_may_not_start_it_again(mill: Mill, inbox: str, cli: Cli):
    run = mill.drop("tick", "round.txt", b"a b\n")
    (then,) = mill.finish(run)["then"]
    second = then["run"]
    assert mill.finish(second)["results"] == [f"results/tock/round.txt-copied-{run}-1/{second}/copied.dat"]
    assert f"then: tock -> run {second}" in mill.mail(f"Run       {run}", "SUCCEEDED").get_content()
    mail = mill.mail(f"Run       {second}", "SUCCEEDED")
    assert "with 2 warnings" not in mail["Subject"] and "with 1 warning" in mail["Subject"]
    text = " ".join(mail.get_content().split())
    assert f"Started by run {run} of tick" in text
    assert f"tick was not started on copied: run {run} of tick is among those that led here" in text

    refused = {chained["pipeline"]: chained["run"] for chained in mill.read_json(outcome(mill, second))["then"]}
    assert refused.pop("tick") == ""
    assert {name: mill.finish(ran)["status"] for name, ran in refused.items()} == {
        "absent": "FAILED",
        "words": "FAILED",
    }
    assert "there is no pipeline 'absent'" in mill.mail(f"Run       {refused['absent']}", "FAILED").get_content()
    assert "must end in one of: .txt, .md" in mill.mail(f"Run       {refused['words']}", "FAILED").get_content()
    assert f"-> run {second} of tock" in mill.mail(f"Run       {refused['words']}", "FAILED").get_content()

    report = mill.read_json(f"results/tock/round.txt-copied-{run}-1/{second}/report.json")
    assert report["origin"] == [{"pipeline": "tick", "run": run}]
    assert [chained["pipeline"] for chained in report["then"]] == ["tick", "absent", "words"]
    (message,) = mill.client("sqs").receive_message(QueueUrl=inbox, WaitTimeSeconds=10)["Messages"]
    event = json.loads(message["Body"])
    assert (event["detail"]["run"], event["resources"][0]) == (run, mill.execution(run))
    assert cli("status", run, "--json").json["then"] == [then]
    assert cli("status", second, "--json").json["origin"] == report["origin"]
    assert f"Then        tock -> run {second}" in cli("status", run).out


def outcome(mill: Mill, run: str) -> str:
    (key,) = mill.keys(f"runs/{run}/outcomes/")
    return key
