"""Jobs in real containers: another file system, an unprivileged user, the store across a bridge network."""

import io
import subprocess

import numpy as np
import yaml

from gristmill import keys
from gristmill.local import daemon
from gristmill.local.containers.engine import JOB_LABEL, LABEL, Engine
from tests.integration.mill import Mill
from tests.mpi.test_heat import PLATE, expected


def containers(engine: Engine, mill: Mill) -> list[str]:
    port = mill.endpoint.rpartition(":")[2]
    return engine.ask("ps", "--all", "--quiet", "--filter", f"label={LABEL}={port}").stdout.split()


def log_of(mill: Mill, job: dict) -> str:
    """Return the log of a described job's last attempt."""
    stream = job["attempts"][-1]["container"]["logStreamName"]
    group = mill.outputs["JobLogGroupName"]
    events = mill.client("logs").get_log_events(logGroupName=group, logStreamName=stream)["events"]
    return "\n".join(event["message"] for event in events)


def test_an_array_job_runs_in_the_image_and_leaves_no_container(mill: Mill, engine: Engine):
    run = mill.drop("strings", "contained.txt", b"one\ntwo\nthree\nfour\n", lines_per_task="1")
    assert mill.finish(run, 180)["status"] == "SUCCEEDED"
    results = keys.results_prefix("strings", "contained.txt", run)
    assert mill.read(results + "reverse.txt") == b"eno\nowt\neerht\nruof\n"
    assert containers(engine, mill) == []


def submitted(mill: Mill, definition: str = "", **overrides) -> dict:
    """Run a plain job to its end and return it as described."""
    batch = mill.client("batch")
    job = batch.submit_job(
        jobName="alone",
        jobQueue=mill.outputs["CpuQueueArn"],
        jobDefinition=definition or mill.outputs["CpuJobDefinitionArn"],
        containerOverrides=overrides,
    )["jobId"]

    def described() -> dict:
        return batch.describe_jobs(jobs=[job])["jobs"][0]

    mill._until(lambda: described()["status"] in ("SUCCEEDED", "FAILED"), 60, "the job runs on")
    return described()


def test_a_job_is_an_unprivileged_user_with_no_capabilities_and_no_secret_in_its_arguments(mill: Mill):
    job = submitted(
        mill, command=["sh", "-c", "id -u; grep CapEff /proc/self/status; cat /proc/1/cmdline | tr '\\0' ' '"]
    )
    assert job["status"] == "SUCCEEDED"
    user, capabilities, command = log_of(mill, job).splitlines()[-3:]
    assert (user, capabilities) == ("65532", "CapEff:\t0000000000000000")
    assert "SECRET" not in command


def test_an_exit_code_comes_out_of_the_container_as_it_is(mill: Mill):
    job = submitted(mill, command=["sh", "-c", "exit 7"])
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 7)


def test_heat_on_three_hosts_survives_the_death_of_one(mill: Mill, engine: Engine):
    plate = {**PLATE, "size": [64, 64], "steps": 30_000}
    body = yaml.safe_dump(plate).encode()
    run = mill.drop("heat", "contained.yaml", body, nodes="3", checkpoint_steps="1000")
    checkpoints = f"{keys.own(run)}solve/field/"
    mill._until(lambda: mill.keys(checkpoints), 180, "no checkpoint")
    (job,) = mill.jobs(run)
    (victim,) = engine.ask("ps", "--quiet", "--filter", f"label={JOB_LABEL}={job['jobId']}#1").stdout.split()
    engine.ask("kill", victim)
    outcome = mill.finish(run, 300)
    assert outcome["status"] == "SUCCEEDED", outcome["reason"]
    (told,) = mill.client("batch").describe_jobs(jobs=[job["jobId"]])["jobs"]
    assert [one["container"]["exitCode"] for one in told["attempts"]] == [78, 0]
    assert "going on from step " in log_of(mill, told)
    field = np.load(io.BytesIO(mill.read(keys.result("heat", "contained.yaml", run, "field.npz"))))["field"]
    np.testing.assert_allclose(field, expected(plate), rtol=1e-10, atol=1e-10)
    assert containers(engine, mill) == []


def test_the_gpu_image_computes_on_the_cpu_where_there_is_no_gpu(mill: Mill):
    subprocess.run([daemon.PROJECT / "batch_jobs/images/build.sh", "gpu"], check=True)
    program = "from batch_jobs.tomography.backprojection import device; print('device:', device(False).name)"
    mill.client("batch").register_job_definition(
        jobDefinitionName="opencl",
        type="container",
        containerProperties={
            "image": "gristmill-jobs:gpu",
            "command": ["python", "-c", program],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": mill.outputs["JobLogGroupName"]}},
        },
    )
    job = submitted(mill, definition="opencl")
    assert job["status"] == "SUCCEEDED", log_of(mill, job)
    assert "device: " in log_of(mill, job)
