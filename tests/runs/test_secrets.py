"""Secrets and containers of branches, on the deployed template: their job definitions come and go with a push."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gristmill import keys
from gristmill.errors import ExitCode
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli

__all__ = ["cli"]

VALUE = "correct-horse-battery-staple"
PLACE = "/gristmill/gristmill/calls/key"
IMAGE = f"example.org/tools/caller@sha256:{'a1' * 32}"
BRANCH: dict[str, Any] = {"name": "shown", "target_children": 1, "script": 'printf %s "$KEY" | sha256sum > "$OUTPUT"'}
SECRET: dict[str, Any] = {"secrets": {"KEY": f"ssm:{PLACE}"}}


def pipeline(name: str, **more: Any) -> Path:
    """Write a pipeline's folder below the working one, with one branch."""
    folder = Path(name)
    folder.mkdir(exist_ok=True)
    stage = {"name": "map", "split": {"records": "lines", "records_per_task": 1}, "branches": [{**BRANCH, **more}]}
    (folder / "pipeline.yaml").write_text(
        json.dumps({"version": 1, "name": name, "description": "Shows a secret's hash.", "stages": [stage]})
    )
    return folder


@pytest.fixture
def key(mill: Mill) -> str:
    mill.client("ssm").put_parameter(Name=PLACE, Value=VALUE, Type="SecureString", Overwrite=True)
    return VALUE


def definition(mill: Mill, arn: str) -> dict[str, Any]:
    (found,) = mill.client("batch").describe_job_definitions(jobDefinitions=[arn])["jobDefinitions"]
    return dict(found)


def everything(mill: Mill, run: str) -> bytes:
    """Return all that a run has left: every object of the bucket, its history, its jobs, logs and mails."""
    pages = mill.client("s3").get_paginator("list_objects_v2").paginate(Bucket=mill.bucket)
    listed = [item for page in pages for item in page["Contents"]]
    # another test may have archived an object, which nobody can read
    found = [mill.read(item["Key"]) for item in listed if item["StorageClass"] == "STANDARD"]
    arn = mill.execution(run)
    history = mill.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
    found += [json.dumps(page, default=str).encode() for page in history]
    batch, logs = mill.client("batch"), mill.client("logs")
    jobs = batch.list_jobs(jobQueue=mill.outputs["CpuQueueArn"], filters=[{"name": "JOB_NAME", "values": [f"{run}*"]}])[
        "jobSummaryList"
    ]
    described = batch.describe_jobs(jobs=[job["jobId"] for job in jobs])
    found.append(json.dumps(described, default=str).encode())
    for group in logs.describe_log_groups()["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            found.append(json.dumps(page, default=str).encode())
    found += [file.read_bytes() for file in mill.data.glob("outbox/*")]
    found += [file.read_bytes() for file in mill.data.glob("*.log")] + [(mill.data / "calls.jsonl").read_bytes()]
    return b"\0".join(found)


def test_job_has_its_secret_and_nothing_else_has(mill: Mill, cli: Cli, key: str):
    pipeline("secretive", **SECRET)
    answer = cli("pipelines", "push", "secretive", "--json")
    assert answer.code == 0, answer.err
    registered = answer.json["definitions"]["shown"]
    run = mill.drop("secretive", "lines.txt", b"a\n")
    assert mill.finish(run)["status"] == "SUCCEEDED"
    result = mill.read(keys.result("secretive", "lines.txt", run, "shown.txt"))
    assert result.split()[0].decode() == hashlib.sha256(key.encode()).hexdigest()
    assert key.encode() not in everything(mill, run)
    record = mill.read_json(keys.run_record(run))
    assert record["definitions"] == {"shown": registered["arn"]}
    made, base = definition(mill, registered["arn"]), definition(mill, mill.outputs["CpuJobDefinitionArn"])
    own = made["containerProperties"]
    assert own.pop("secrets") == [{"name": "KEY", "valueFrom": PLACE}]
    assert own.pop("executionRoleArn") == mill.outputs["SecretsRoleArn"]
    assert own == base["containerProperties"]
    assert (made["retryStrategy"], made["timeout"]) == (base["retryStrategy"], base["timeout"])
    assert made["tags"] == {
        "gristmill:stack": "gristmill",
        "gristmill:pipeline": "secretive",
        "gristmill:code": record["code"]["digest"],
    }
    assert cli("pipelines", "push", "secretive").out.endswith(" already: nothing was pushed.\n")


def test_push_is_refused_where_jobs_could_not_have_the_secret(mill: Mill, cli: Cli, key: str):
    mill.client("ssm").put_parameter(Name="/gristmill/gristmill/plain", Value="x", Type="String", Overwrite=True)
    absent = {"KEY": "ssm:/gristmill/gristmill/none", "TOKEN": "secretsmanager:gristmill/gristmill/none"}
    for secrets, faults in (
        (
            {"KEY": "ssm:/gristmill/other/key"},
            [
                "branch shown: KEY is ssm:/gristmill/other/key, and jobs of this stack have secrets below "
                "ssm:/gristmill/gristmill/ and secretsmanager:gristmill/gristmill/ alone; put it there"
            ],
        ),
        (
            absent,
            [
                "branch shown: there is no ssm:/gristmill/gristmill/none; put it there: aws ssm put-parameter --type "
                "SecureString --name /gristmill/gristmill/none --value file://FILE",
                "branch shown: there is no secretsmanager:gristmill/gristmill/none; put it there: aws secretsmanager "
                "create-secret --name gristmill/gristmill/none --secret-string file://FILE",
            ],
        ),
        ({"KEY": "ssm:/gristmill/gristmill/plain"}, ["ssm:/gristmill/gristmill/plain is a String, which anybody can"]),
    ):
        pipeline("locked", secrets=secrets)
        answer = cli("pipelines", "push", "locked")
        assert answer.code == ExitCode.REFUSED
        assert [fault for fault in faults if fault not in answer.err] == []
        assert mill.keys(keys.pushed_prefix("locked")) == []


def test_unpushed_pipeline_is_refused_with_the_command(mill: Mill, cli: Cli, tmp_path: Path):
    own = mill.data / "pipelines"
    own.mkdir(exist_ok=True)
    pipeline("unregistered", container=IMAGE).rename(own / "unregistered")
    (tmp_path / "lines.txt").write_bytes(b"a\n")
    fault = (
        "branch shown has a container of its own; its job definition is registered by a push: "
        "gristmill pipelines push FOLDER"
    )
    for command in ("run", "plan"):
        answer = cli(command, "unregistered", "lines.txt")
        assert (answer.code, fault in answer.err) == (ExitCode.REFUSED, True), answer.err
    run = mill.drop("unregistered", "lines.txt", b"a\n")
    assert mill.finish(run)["status"] == "FAILED"
    assert fault in " ".join(mill.mail(run, "FAILED").get_content().split())


def test_container_is_told_where_jobs_are_processes(mill: Mill, cli: Cli, tmp_path: Path):
    pipeline("contained", container=IMAGE, script='cp "$INPUT" "$OUTPUT"')
    (tmp_path / "lines.txt").write_bytes(b"a\n")
    told = "branch shown names a container, and jobs of this stack are processes of one machine"
    assert told in cli("pipelines", "push", "contained").err
    assert told in cli("plan", "contained", "lines.txt").out
    run = mill.drop("contained", "lines.txt", b"a\n")
    assert mill.finish(run)["status"] == "SUCCEEDED"
    assert told in cli("status", run).out
    assert mill.read_json(keys.run_record(run))["images"] == {"shown": "none"}


def test_definitions_go_with_their_version(mill: Mill, cli: Cli, key: str):
    arns = []
    for word in ("one", "two"):
        pipeline("shed", **SECRET, env={"WORD": word})
        arns.append(cli("pipelines", "push", "shed", "--json").json["definitions"]["shown"]["arn"])
    assert cli("pipelines", "delete", "shed", "1").code == 0
    assert [definition(mill, arn)["status"] for arn in arns] == ["INACTIVE", "ACTIVE"]


def test_secret_that_is_gone_by_the_run_is_named_in_the_mail(mill: Mill, cli: Cli):
    gone = "/gristmill/gristmill/gone"
    mill.client("ssm").put_parameter(Name=gone, Value=VALUE, Type="SecureString", Overwrite=True)
    pipeline("bereft", secrets={"KEY": f"ssm:{gone}"}, attempts=1)
    assert cli("pipelines", "push", "bereft").code == 0
    mill.client("ssm").delete_parameter(Name=gone)
    run = mill.drop("bereft", "lines.txt", b"a\n")
    assert mill.finish(run)["status"] == "FAILED"
    body = " ".join(mill.mail(run, "FAILED").get_content().split())
    assert f"fetching secret data from SSM Parameter Store in us-east-1: ParameterNotFound: {gone}" in body
    assert "a secret could not be read: put it where pipeline.yaml says" in body


def test_trial_takes_secrets_from_the_environment(mill: Mill, cli: Cli, tmp_path: Path, monkeypatch):
    pipeline("sampled", **SECRET, container=IMAGE)
    (tmp_path / "lines.txt").write_bytes(b"a\n")
    answer = cli("try", "./sampled", "lines.txt")
    assert answer.code == ExitCode.REFUSED
    assert answer.err.splitlines()[-1] == (
        "error: branch shown needs the secret KEY: a trial takes it from the environment, so export KEY first."
    )
    monkeypatch.setenv("KEY", VALUE)
    answer = cli("try", "./sampled", "lines.txt")
    assert answer.code == 0
    assert hashlib.sha256(VALUE.encode()).hexdigest() in answer.out
    assert VALUE not in answer.out + answer.err
    assert "Branch shown: tried with this machine's own programs, not in its container." in answer.err
