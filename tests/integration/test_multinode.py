"""Multi-node parallel jobs of the embedded AWS, through boto3."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.batch import Batch

SHOW = "env | grep ^AWS_BATCH_JOB | grep -v JOB_ID | sort; "


def define(batch: Batch, name: str, lines: dict[str, str], nodes=3, main=0, vcpus=1.0, **more: Any) -> str:
    ranges = [{"targetNodes": where, "container": batch.container(line, vcpus)} for where, line in lines.items()]
    properties = {"numNodes": nodes, "mainNode": main, "nodeRangeProperties": ranges}
    return batch.api.register_job_definition(
        jobDefinitionName=name, type="multinode", nodeProperties=properties, **more
    )["jobDefinitionArn"]


def nodes_of(batch: Batch, job: str) -> dict[int, dict[str, Any]]:
    found = [batch.describe(f"{job}#{index}") for index in range(batch.describe(job)["nodeProperties"]["numNodes"])]
    return {item["nodeDetails"]["nodeIndex"]: item for item in found}


def test_each_node_knows_its_place_and_has_its_own_log(batch: Batch, tmp_path):
    wait = f"touch {tmp_path}/$AWS_BATCH_JOB_NODE_INDEX; while [ $(ls {tmp_path} | wc -l) -lt 3 ]; do sleep 0.02; done"
    job = batch.submit(define(batch, "place", {"0:": SHOW + wait}, main=1))
    done = batch.end(job)
    assert (done["status"], done["attempts"][0]["container"]["exitCode"]) == ("SUCCEEDED", 0)
    assert "container" not in done
    nodes = nodes_of(batch, job)
    assert [node["nodeDetails"]["isMainNode"] for node in nodes.values()] == [False, True, False]
    common = ["AWS_BATCH_JOB_ATTEMPT=1", "AWS_BATCH_JOB_MAIN_NODE_INDEX=1"]
    address = "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS=127.0.0.1"
    for index in range(3):
        shown = [address] if index != 1 else []
        own = [*shown, f"AWS_BATCH_JOB_NODE_INDEX={index}", "AWS_BATCH_JOB_NUM_NODES=3"]
        assert batch.output(f"{job}#{index}") == [*common, *own]


def test_the_main_node_starts_first_and_its_end_stops_the_others(batch: Batch, tmp_path):
    main = f"while [ ! -e {tmp_path}/other ]; do sleep 0.02; done"
    other = f"echo here; touch {tmp_path}/other; exec sleep 100"
    job = batch.submit(define(batch, "first", {"0:0": main, "1:1": other}, nodes=2))
    assert batch.end(job)["status"] == "SUCCEEDED"
    nodes = nodes_of(batch, job)
    assert (nodes[0]["status"], nodes[1]["status"]) == ("SUCCEEDED", "FAILED")
    assert nodes[1]["container"]["exitCode"] == 128 + 15
    assert nodes[0]["startedAt"] <= nodes[1]["startedAt"]
    assert batch.output(f"{job}#1") == ["here"]


def test_another_nodes_death_changes_nothing_and_only_the_mains_makes_another_attempt(batch: Batch, tmp_path):
    main = f"while [ ! -e {tmp_path}/dead ]; do sleep 0.02; done; exit $((9 - 9 * ($AWS_BATCH_JOB_ATTEMPT - 1)))"
    other = f"touch {tmp_path}/dead; exit 3"
    job = batch.submit(define(batch, "death", {"0": main, "1:": other}, nodes=2, retryStrategy={"attempts": 5}))
    done = batch.end(job)
    assert done["status"] == "SUCCEEDED"
    assert [attempt["container"]["exitCode"] for attempt in done["attempts"]] == [9, 0]
    nodes = nodes_of(batch, job)
    assert len(nodes[0]["attempts"]) == 2
    assert [attempt["container"]["exitCode"] for attempt in nodes[1]["attempts"]][:1] == [3]
    streams = {attempt["container"]["logStreamName"] for node in nodes.values() for attempt in node["attempts"]}
    assert len(streams) == sum(len(node["attempts"]) for node in nodes.values())


def test_a_request_overrides_the_number_of_nodes_and_the_command_of_a_range(batch: Batch, tmp_path):
    line = f"echo Ref::word $WHO; touch {tmp_path}/$AWS_BATCH_JOB_NODE_INDEX; "
    wait = f"while [ $(ls {tmp_path} | wc -l) -lt 5 ]; do sleep 0.02; done"
    definition = define(batch, "grow", {"0": line + wait, "1:": "exit 1"}, nodes=2, parameters={"word": "hello"})
    containers = {
        "command": ["sh", "-c", line + wait],
        "environment": [{"name": "WHO", "value": "node"}],
        "resourceRequirements": [{"type": "VCPU", "value": "2"}],
    }
    overrides = {"numNodes": 5, "nodePropertyOverrides": [{"targetNodes": "1:", "containerOverrides": containers}]}
    job = batch.submit(definition, nodeOverrides=overrides, parameters={"word": "bye"})
    assert batch.end(job)["status"] == "SUCCEEDED"
    assert [batch.output(f"{job}#{index}") for index in range(5)] == [["bye"], *[["bye node"]] * 4]
    assert {"type": "VCPU", "value": "2"} in batch.describe(f"{job}#4")["container"]["resourceRequirements"]


def test_all_nodes_are_placed_at_once_or_none(batch: Batch, tmp_path):
    definition = define(batch, "gang", {":": f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"}, nodes=3, vcpus=3)
    first, second = batch.submit(definition), batch.submit(definition)
    batch.until(first, "RUNNING")
    assert batch.describe(second)["status"] == "RUNNABLE"
    assert {item["status"] for item in nodes_of(batch, second).values()} == {"RUNNABLE"}
    (tmp_path / "go").touch()
    assert batch.end(second)["status"] == "SUCCEEDED"
    never = batch.submit(definition, nodeOverrides={"numNodes": 7})
    assert "asks for 21 vCPU" in batch.until(never, "RUNNABLE")["statusReason"]
    batch.api.cancel_job(jobId=never, reason="too large")
    assert batch.end(never)["statusReason"] == "too large"
    assert {item["status"] for item in nodes_of(batch, never).values()} == {"FAILED"}


def test_eight_nodes_run_on_a_machine_with_fewer_cores(batch: Batch, tmp_path):
    wait = f"touch {tmp_path}/$AWS_BATCH_JOB_NODE_INDEX; while [ $(ls {tmp_path} | wc -l) -lt 8 ]; do sleep 0.05; done"
    job = batch.submit(define(batch, "eight", {"0:": wait}, nodes=8))
    assert batch.end(job)["status"] == "SUCCEEDED"


def test_nodes_are_listed_by_their_job_and_end_with_it(batch: Batch):
    job = batch.submit(define(batch, "listed", {"0:": "exec sleep 100"}))
    for node in range(3):
        batch.until(f"{job}#{node}", "RUNNING")
    listed = batch.api.list_jobs(multiNodeJobId=job)["jobSummaryList"]
    assert [definition["nodeProperties"] for definition in listed] == [
        {"isMainNode": index == 0, "numNodes": 3, "nodeIndex": index} for index in range(3)
    ]
    everything = batch.api.list_jobs(jobQueue=batch.queue)["jobSummaryList"]
    assert [item["nodeProperties"] for item in everything if item["jobId"] == job] == [{"numNodes": 3}]
    assert not [item for item in everything if "#" in item["jobId"]]
    batch.api.terminate_job(jobId=job, reason="enough")
    done = batch.end(job)
    assert (done["status"], done["statusReason"], done["isTerminated"]) == ("FAILED", "enough", True)
    assert [attempt["container"]["exitCode"] for attempt in nodes_of(batch, job).values()] == [143] * 3


def test_a_multinode_job_waits_for_what_it_depends_on(batch: Batch):
    before = batch.run("exit 1")
    job = batch.submit(define(batch, "after", {"0:": "true"}), dependsOn=[{"jobId": before}])
    assert batch.end(job)["statusReason"] == "Dependent Job failed"


def test_a_program_that_does_not_exist_fails_the_main_node_and_starts_no_other(batch: Batch):
    ranges = [{"targetNodes": "0:", "container": {**batch.container(""), "command": ["/no/such/program"]}}]
    definition = batch.api.register_job_definition(
        jobDefinitionName="absent",
        type="multinode",
        nodeProperties={"numNodes": 2, "mainNode": 0, "nodeRangeProperties": ranges},
    )["jobDefinitionArn"]
    job = batch.submit(definition)
    assert batch.end(job)["status"] == "FAILED"
    nodes = nodes_of(batch, job)
    assert nodes[0]["container"]["reason"].startswith("CannotStartContainerError")
    assert (nodes[1]["status"], nodes[1]["attempts"]) == ("FAILED", [])


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"nodeOverrides": {"numNodes": 0}}, "numNodes must be between 1 and 1000"),
        ({"nodeOverrides": {"numNodes": 1}}, "lower boundary of node range 1: must be less than numNodes 1"),
        (
            {"nodeOverrides": {"nodePropertyOverrides": [{"targetNodes": "0:0", "containerOverrides": {}}]}},
            "NodeOverride targets should match job definition. Non matching targets - 0:0",
        ),
        ({"containerOverrides": {"command": ["true"]}}, "containerOverrides must not be provided for multi-node"),
        ({"arrayProperties": {"size": 2}}, "cannot be an array job"),
    ],
)
def test_what_aws_refuses_of_a_multinode_request_is_refused(batch: Batch, given, reason):
    definition = define(batch, "refuse", {"0": "true", "1:": "true"}, nodes=2)
    with pytest.raises(ClientError, match=reason):
        batch.submit(definition, **given)


def test_only_an_open_range_grows_and_only_a_multinode_definition_has_nodes(batch: Batch):
    with pytest.raises(ClientError, match=r"at least 1 target node without a range_end i.e \(:\)"):
        batch.submit(define(batch, "closed", {"0:2": "true"}), nodeOverrides={"numNodes": 4})
    with pytest.raises(ClientError, match="nodeOverrides are for multi-node"):
        batch.submit("line", nodeOverrides={"numNodes": 4})


@pytest.mark.parametrize(
    ("lines", "main", "reason"),
    [
        ({"0:1": "true"}, 0, "none has node 2"),
        ({"0:5": "true"}, 0, "Node range 0:5 is not within the 3 nodes"),
        ({"a:b": "true"}, 0, "targetNodes must be a range"),
        ({"0:": "true"}, 3, "mainNode must be the index of a node, 0 to 2: 3"),
    ],
)
def test_what_aws_refuses_of_a_multinode_definition_is_refused(batch: Batch, lines, main, reason):
    with pytest.raises(ClientError, match=reason):
        define(batch, "broken", lines, main=main)


def test_a_queue_of_spot_hosts_takes_no_multinode_job(batch: Batch):
    batch.make_queue("spot", batch.environment("reclaimable", kind="SPOT"))
    job = batch.submit(define(batch, "wrong", {"0:": "true"}), jobQueue="spot")
    assert "takes multi-node jobs: that is one of type EC2" in batch.until(job, "RUNNABLE")["statusReason"]
    batch.api.terminate_job(jobId=job, reason="seen")
