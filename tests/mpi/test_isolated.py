"""Nodes as network namespaces: each has an address of its own, and reaches only its neighbours and the store."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.lifecycle import daemon
from gristmill import keys
from gristmill.client import embedded
from gristmill.errors import ExitCode
from tests.integration.conftest import deployed
from tests.integration.mill import Mill
from tests.mpi.nodes import PROGRAMS

# a busy machine's store may be slow to answer: the main node, which reaches it, is not to call itself cut off
PACE = ("--heartbeat-seconds", "1", "--lost-seconds", "15")


def why_not() -> str:
    if sys.platform != "linux" or os.getuid() != 0:
        return "network namespaces need Linux and root"
    if shutil.which("ip") is None:
        return "network namespaces need the program ip (iproute2)"
    tried = subprocess.run(["ip", "netns", "add", "gm-probe"], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "delete", "gm-probe"], capture_output=True, check=False)
    return f"no network namespaces here: {tried.stderr.strip()}" if tried.returncode else ""


WHY_NOT = why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


@pytest.fixture(scope="module")
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    data = tmp_path_factory.mktemp("aws")
    os.environ["GRISTMILL_PIPELINES"] = str(Path(__file__).parent / "pipelines")
    state = embedded.up(data, ["--port", "0", "--vcpus", "8", "--isolate"])
    try:
        yield deployed(state.endpoint, data)
    finally:
        daemon.down(data)
    left = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    assert f"gm{state.port}" not in left


def test_each_node_has_its_own_address(isolated: Mill):
    run = isolated.drop("addresses", "x.txt", b"x", nodes="3")
    outcome = isolated.finish(run)
    assert outcome["status"] == "SUCCEEDED", outcome["reason"]
    found = isolated.read(keys.result("addresses", "x.txt", run, "seen.txt")).decode().split()
    assert len(set(found)) == 3
    assert all(address.startswith("10.143.") for address in found)


def test_a_node_whose_network_is_gone_is_lost_and_ends_itself(isolated: Mill):
    batch = isolated.client("batch")
    command = ["python", "-m", "gristmill.worker.node", "--slots", "1", *PACE, "--", "python", PROGRAMS, "sleep"]
    overrides = {"targetNodes": "0:", "containerOverrides": {"command": command}}
    job = batch.submit_job(
        jobName="cut",
        jobQueue=isolated.outputs["MpiQueueArn"],
        jobDefinition=isolated.physical("MpiJobDefinition"),
        nodeOverrides={"numNodes": 2, "nodePropertyOverrides": [overrides]},
    )["jobId"]
    isolated._until(lambda: any("rank 1 of 2" in line for line in log(isolated, f"{job}#0")), 60, "no rank runs")
    subprocess.run(["ip", "-netns", namespace(job, 1), "link", "set", "eth0", "down"], check=True)
    isolated._until(lambda: len(tries(isolated, f"{job}#0", ended=True)) == 1, 60, "the main node waits for ever")
    isolated._until(lambda: len(tries(isolated, f"{job}#1", ended=True)) == 1, 60, "the lost node waits for ever")
    batch.terminate_job(jobId=job, reason="seen")
    assert tries(isolated, f"{job}#0")[0]["container"]["exitCode"] == ExitCode.NODE_LOST
    assert any("no heartbeat from node 1 for 15 s" in line for line in log(isolated, f"{job}#0"))


def tries(mill: Mill, node: str, ended: bool = False) -> list[dict[str, Any]]:
    (job,) = mill.client("batch").describe_jobs(jobs=[node])["jobs"]
    return [attempt for attempt in job["attempts"] if not ended or "stoppedAt" in attempt]


def log(mill: Mill, node: str) -> list[str]:
    """Return what a node's first try wrote."""
    streams = [attempt["container"]["logStreamName"] for attempt in tries(mill, node)]
    (job,) = mill.client("batch").describe_jobs(jobs=[node])["jobs"]
    stream = streams[0] if streams else job["container"].get("logStreamName")
    if stream is None:
        return []
    group = mill.outputs["JobLogGroupName"]
    events = mill.client("logs").get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
    return [event["message"] for event in events["events"]]


def namespace(job: str, node: int) -> str:
    """Return the name of the network namespace in which a node's processes live."""
    marks = (f"AWS_BATCH_JOB_NODE_INDEX={node}\0".encode(), f"AWS_BATCH_JOB_ID={job}".encode())
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    for name in (line.split()[0] for line in listed.splitlines()):
        inside = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout
        for pid in inside.split():
            environ = Path(f"/proc/{pid}/environ")
            if environ.exists() and all(mark in environ.read_bytes() for mark in marks):
                return name
    raise AssertionError(f"no namespace has node {node}")
