"""The embedded Batch beyond single statements: every operation, large arrays, GPUs, logs, events, odd processes."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.integration.batch import Batch
from tests.integration.batch_model import MODEL, faults

LONG = "exec sleep 100"

# What AWS has besides: other kinds of jobs and of capacity, which no template of ours makes.
NOT_OFFERED = {
    name
    for name in MODEL.operation_names
    if any(word in name for word in ("ConsumableResource", "ServiceJob", "ServiceEnvironment", "QuotaShare"))
}


def test_every_operation_answers_in_the_shape_of_the_services_model(batch: Batch):
    api = batch.api
    api.create_compute_environment(computeEnvironmentName="mine", type="UNMANAGED", tags={"a": "b"})
    api.update_compute_environment(computeEnvironment="mine", state="DISABLED")
    assert api.describe_compute_environments(computeEnvironments=["mine"])["computeEnvironments"][0]["tags"]
    api.delete_compute_environment(computeEnvironment="mine")
    batch.make_queue("walk", "hosts")
    api.update_job_queue(jobQueue="walk", priority=3)
    assert api.describe_job_queues(jobQueues=["walk"])["jobQueues"][0]["priority"] == 3
    policy = api.create_scheduling_policy(name="walk", fairsharePolicy={"shareDecaySeconds": 600})["arn"]
    api.update_scheduling_policy(arn=policy, fairsharePolicy={"computeReservation": 10})
    (shown,) = api.describe_scheduling_policies(arns=[policy])["schedulingPolicies"]
    assert shown["fairsharePolicy"] == {"computeReservation": 10}
    assert {"arn": policy} in api.list_scheduling_policies()["schedulingPolicies"]
    api.delete_scheduling_policy(arn=policy)
    definition = batch.define("walk", LONG, timeout={"attemptDurationSeconds": 60}, tags={"x": "y"})
    assert api.describe_job_definitions(jobDefinitionName="walk")["jobDefinitions"][0]["revision"] >= 1
    blocker = batch.submit(definition, arrayProperties={"size": 20}, jobQueue="walk", tags={"k": "v"})
    batch.until(f"{blocker}:0", "RUNNING")
    front = api.get_job_queue_snapshot(jobQueue="walk")["frontOfQueue"]["jobs"]
    assert [job["jobArn"].rpartition("/")[2] for job in front] == [f"{blocker}:{index}" for index in range(16, 20)]
    assert api.list_jobs(arrayJobId=blocker)["jobSummaryList"][0]["arrayProperties"]["index"] == 0
    arn = batch.describe(blocker)["jobArn"]
    api.tag_resource(resourceArn=arn, tags={"more": "1"})
    api.untag_resource(resourceArn=arn, tagKeys=["k"])
    assert api.list_tags_for_resource(resourceArn=arn)["tags"] == {"more": "1"}
    api.cancel_job(jobId=f"{blocker}:19", reason="one")
    api.cancel_jobs(jobs=[f"{blocker}:18"], reason="two")
    api.terminate_job(jobId=f"{blocker}:0", reason="three")
    api.terminate_jobs(jobs=[blocker], reason="four")
    assert batch.end(blocker)["statusReason"] == "Array Child Job failed"
    reasons = [batch.describe(f"{blocker}:{index}")["statusReason"] for index in (0, 5, 18, 19)]
    assert reasons == ["three", "four", "two", "one"]
    api.deregister_job_definition(jobDefinition=definition)
    api.update_job_queue(jobQueue="walk", state="DISABLED")
    api.delete_job_queue(jobQueue="walk")
    assert set(MODEL.operation_names) - NOT_OFFERED == batch.seen


def test_the_check_of_answers_sees_unknown_missing_and_mistyped_members():
    shape = MODEL.operation_model("DescribeJobs").output_shape
    job = {"jobName": 3, "jobId": "x", "jobQueue": "q", "status": "LATE", "startedAt": True, "color": "red"}
    problems = list(faults({"jobs": [job]}, shape, "DescribeJobs"))
    assert len(problems) == 5
    assert any("jobDefinition is missing" in item for item in problems)


def test_what_does_not_fit_the_model_is_refused_and_not_guessed_at(batch: Batch):
    unchecked = batch.client("batch", config=Config(parameter_validation=False))
    with pytest.raises(ClientError, match="Missing required parameter"):
        unchecked.submit_job(jobName="x")
    with pytest.raises(ClientError, match="Invalid type for parameter"):
        unchecked.submit_job(jobName="x", jobQueue=batch.queue, jobDefinition="line", arrayProperties={"size": "two"})


def test_ten_thousand_children_are_listed_in_pages_and_ended_at_once(batch: Batch):
    first = batch.run(LONG, jobName="blocker")
    size = {"arrayProperties": {"size": 10_000}}
    job = batch.run("true", dependsOn=[{"jobId": first}], **size)
    pages = batch.api.get_paginator("list_jobs").paginate(arrayJobId=job, jobStatus="PENDING")
    sizes, indices = [], []
    for page in pages:
        sizes.append(len(page["jobSummaryList"]))
        indices += [child["arrayProperties"]["index"] for child in page["jobSummaryList"]]
    assert (sizes, indices) == ([1000] * 10, list(range(10_000)))
    small = batch.api.list_jobs(arrayJobId=job, jobStatus="PENDING", maxResults=3)
    assert len(small["jobSummaryList"]) == 3
    assert small["nextToken"]
    assert batch.describe(f"{job}:9999")["status"] == "PENDING"
    batch.api.terminate_job(jobId=job, reason="enough")
    batch.api.terminate_job(jobId=first, reason="go")
    done = batch.end(job)
    assert done["arrayProperties"]["statusSummary"]["FAILED"] == 10_000


def test_a_sequential_array_of_thousands_falls_like_dominoes(batch: Batch):
    job = batch.run("exit 1", arrayProperties={"size": 10_000}, dependsOn=[{"type": "SEQUENTIAL"}])
    done = batch.end(job)
    assert done["arrayProperties"]["statusSummary"]["FAILED"] == 10_000
    assert batch.describe(f"{job}:9999")["statusReason"] == "Dependent Job failed"


def test_lines_can_be_read_while_the_job_runs(batch: Batch):
    job = batch.run(f"echo first; {LONG}")
    stream = batch.until(job, "RUNNING")["attempts"][0]["container"]["logStreamName"]
    end = time.monotonic() + 10
    while batch.log(stream) != ["first"]:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert batch.describe(job)["status"] == "RUNNING"
    batch.api.terminate_job(jobId=job, reason="seen")


def test_two_jobs_never_share_a_gpu_and_one_that_asks_for_none_sees_none(batch: Batch, tmp_path):
    show = 'echo "[$CUDA_VISIBLE_DEVICES]"'
    wait = f"{show}; touch {tmp_path}/$AWS_BATCH_JOB_ID; while [ $(ls {tmp_path} | wc -l) -lt 2 ]; do sleep 0.02; done"
    jobs = [batch.submit("line", containerOverrides=gpus(1, wait)) for _ in range(2)]
    for job in jobs:
        assert batch.end(job)["status"] == "SUCCEEDED"
    assert sorted(batch.output(job) for job in jobs) == [["[6]"], ["[7]"]]
    plain = batch.run(show)
    batch.end(plain)
    assert batch.output(plain) == ["[]"]


def test_a_job_that_asks_for_gpus_which_are_not_there_says_that_it_uses_the_cpu(batch: Batch):
    job = batch.submit("line", containerOverrides=gpus(4, 'echo "[$CUDA_VISIBLE_DEVICES]"'))
    batch.end(job)
    notice, seen = batch.output(job)
    assert notice == "gristmill: this job asks for 4 GPU and gets 2, for this machine has 2; it uses the CPU"
    assert seen == "[6,7]"


def gpus(count: int, line: str) -> dict[str, Any]:
    return {"command": ["sh", "-c", line], "resourceRequirements": [{"type": "GPU", "value": str(count)}]}


def test_no_more_gpus_are_in_use_than_there_are(batch: Batch):
    jobs = [batch.submit("line", containerOverrides=gpus(3, LONG)) for _ in range(2)]
    batch.until(jobs[0], "RUNNING")
    assert batch.describe(jobs[1])["status"] == "RUNNABLE"
    never = batch.submit("line", containerOverrides=gpus(5, LONG))
    assert "asks for 5 GPU, and this machine has 4" in batch.describe(never)["statusReason"]
    batch.api.terminate_jobs(jobs=[jobs[0], never], reason="seen")
    batch.until(jobs[1], "RUNNING")
    batch.api.terminate_job(jobId=jobs[1], reason="seen")


@pytest.fixture
def events(batch: Batch) -> Iterator[Callable[[str, int], list[dict[str, Any]]]]:
    """Give what waits for so many of Batch's events of a kind; each is held against the service's model."""
    sqs, bus = batch.client("sqs"), batch.client("events")
    url = sqs.create_queue(QueueName="changes")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus.put_rule(Name="changes", EventPattern=json.dumps({"source": ["aws.batch"]}), State="ENABLED")
    bus.put_targets(Rule="changes", Targets=[{"Id": "queue", "Arn": arn}])
    seen: list[dict[str, Any]] = []

    def wait(kind: str, count: int) -> list[dict[str, Any]]:
        end = time.monotonic() + 10
        while len(found := [event for event in seen if event["detail-type"] == kind]) < count:
            assert time.monotonic() < end, seen
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                seen.append(json.loads(message["Body"]))
                assert not list(faults(seen[-1]["detail"], MODEL.shape_for("JobDetail"), "event"))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    yield wait
    bus.remove_targets(Rule="changes", Ids=["queue"])
    bus.delete_rule(Name="changes")
    sqs.delete_queue(QueueUrl=url)


def test_a_job_that_blocks_its_queue_is_told_of_once_with_the_reason(batch: Batch, events):
    queue = batch.make_queue("blocked", batch.environment("narrow", vcpus=1))
    needs = {"resourceRequirements": [{"type": "VCPU", "value": "3"}]}
    first, second = (batch.submit("line", jobQueue=queue, containerOverrides=needs) for _ in range(2))
    (event,) = events("Batch Job Queue Blocked", 1)
    job = batch.describe(first)
    assert event["resources"] == [job["jobArn"], job["jobQueue"]]
    assert (event["detail"]["jobId"], event["detail"]["status"]) == (first, "RUNNABLE")
    assert event["detail"]["statusReason"].startswith("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - ")
    batch.api.cancel_job(jobId=first, reason="seen")
    assert [item["detail"]["jobId"] for item in events("Batch Job Queue Blocked", 2)] == [first, second]
    batch.api.cancel_job(jobId=second, reason="seen")


def test_every_change_of_a_job_its_children_and_nodes_is_an_event(batch: Batch, events):
    job = batch.run("true", arrayProperties={"size": 2})
    batch.end(job)
    seen: dict[str, set[str]] = {}
    for event in events("Batch Job State Change", 10):
        assert event["resources"] == [event["detail"]["jobArn"]]
        seen.setdefault(event["detail"]["jobId"], set()).add(event["detail"]["status"])
    child = {"RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"}
    assert seen == {job: {"PENDING", "SUCCEEDED"}, f"{job}:0": child, f"{job}:1": child}


@pytest.mark.parametrize(
    ("command", "reason"),
    [([], "there is no command"), (["echo", "a\0b"], "null byte"), (["/etc"], "Permission denied")],
)
def test_what_cannot_be_started_fails_with_the_reason(batch: Batch, command, reason):
    container = {**batch.container(""), "command": command}
    batch.api.register_job_definition(jobDefinitionName="odd", type="container", containerProperties=container)
    done = batch.end(batch.submit("odd"))
    assert (done["status"], done["statusReason"]) == ("FAILED", "Task failed to start")
    assert "CannotStartContainerError" in done["container"]["reason"]
    assert reason in done["container"]["reason"]


def test_many_submitters_at_once_lose_no_job(batch: Batch):
    jobs: list[str] = []

    def submit() -> None:
        client = batch.client("batch")
        for _ in range(10):
            members = {"jobName": "many", "jobQueue": batch.queue, "jobDefinition": "line"}
            jobs.append(client.submit_job(**members)["jobId"])

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for item in threads:
        item.join()
    assert len(set(jobs)) == 80
    assert {batch.end(job)["status"] for job in jobs} == {"SUCCEEDED"}


def test_output_that_is_no_text_and_has_no_end_is_kept(batch: Batch):
    job = batch.run(r"printf 'a\377b\n\nno end'")
    batch.end(job)
    assert batch.output(job) == ["a�b", "", "no end"]


def test_nothing_that_a_job_started_outlives_it(batch: Batch, tmp_path):
    job = batch.run(f"(sleep 100 & echo $! > {tmp_path}/pid); exit 0")
    assert batch.end(job)["status"] == "SUCCEEDED"
    pid = (tmp_path / "pid").read_text().strip()
    end = time.monotonic() + 5
    while (stat := _state(pid)) not in ("gone", "Z"):
        assert time.monotonic() < end, f"{pid} is {stat}"
        time.sleep(0.02)


def _state(pid: str) -> str:
    return subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True).stdout[:1] or "gone"
