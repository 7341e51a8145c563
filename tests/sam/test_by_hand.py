"""The way by hand: the stock `sam` and `aws` command lines against the embedded AWS, told nothing but its endpoint."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedded_aws.lifecycle import daemon
from gristmill import keys
from gristmill.client import embedded
from gristmill.client.deploy import local_parameters
from gristmill.client.target import at_server
from gristmill.runs.drop import run_id
from tests.integration.mill import Mill
from tests.project import PROJECT

TOOLS = PROJECT / ".tools" / "bin"
STACK = "gristmill"
PROJECT_FILES = (
    "template.yaml",
    "samconfig.toml",
    "functions",
    "requirements",
    "statemachines",
    "gristmill",
    "process_tree",
    "batch_jobs",
)


@dataclass(frozen=True)
class Shell:
    """A copy of the project, and the environment that `gristmill local env` prints."""

    project: Path
    environment: dict[str, str]

    def __call__(self, command: str, fails: bool = False) -> str:
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.project, env=self.environment, capture_output=True, text=True, check=False
        )
        shown = done.stdout + done.stderr
        assert (done.returncode != 0) is fails, f"$ {command}\n{shown}"
        return shown

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.project / file).read_text()
        assert old in text
        (self.project / file).write_text(text.replace(old, new, 1))

    def outputs(self) -> dict[str, str]:
        shown = self(f"aws cloudformation describe-stacks --stack-name {STACK} --query Stacks[0].Outputs")
        return {load["OutputKey"]: load["OutputValue"] for load in json.loads(shown)}


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    project, data = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("aws")
    for name in PROJECT_FILES:
        source = PROJECT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, project / name)
    state = embedded.up(data, ["--port", "0"])
    environment = {
        "PATH": f"{TOOLS}:{PROJECT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path_factory.mktemp("home")),
        **at_server(state).environment(),
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "1",
        "DATA": str(data),
    }
    try:
        yield Shell(project, environment)
    finally:
        daemon.down(data)


@pytest.fixture(scope="module")
def built(shell: Shell) -> str:
    return shell("sam build")


@pytest.fixture(scope="module")
def deployed(shell: Shell, built: str) -> str:
    return shell("sam deploy --config-env local")


def upload(shell: Shell, name: str) -> tuple[Mill, str]:
    """Copy a file into the bucket with the stock command line; return the run that this must start."""
    mill = Mill(shell.environment["AWS_ENDPOINT_URL"], Path(shell.environment["DATA"]), shell.outputs())
    (shell.project / name).write_text("grist\nmühle\n\n")
    shell(
        f"aws --endpoint-url $AWS_ENDPOINT_URL s3 cp {name} s3://{mill.bucket}/inputs/strings/ "
        "--metadata lines-per-task=2"
    )
    (version,) = mill.client("s3").list_object_versions(Bucket=mill.bucket, Prefix=f"inputs/strings/{name}")["Versions"]
    return mill, run_id(mill.bucket, version["Key"], version["VersionId"], version["ETag"].strip('"'), "")


def test_the_template_is_valid_and_lints(shell):
    assert "is a valid SAM Template" in shell("sam validate --lint")


def test_a_file_copied_into_the_bucket_starts_a_run_that_succeeds_and_mails(shell, deployed):
    assert "Successfully created/updated stack" in deployed
    assert "BucketName" in deployed
    mill, run = upload(shell, "first.txt")
    assert mill.finish(run)["status"] == "SUCCEEDED"
    assert mill.read(keys.result("strings", "first.txt", run, "reverse.txt")).decode() == "tsirg\nelhüm\n\n"
    assert mill.mail(run, "SUCCEEDED")["To"] == local_parameters(PROJECT)["NotificationEmail"]


def test_a_second_deploy_without_a_change_says_so(shell, deployed):
    assert "No changes to deploy" in shell("sam deploy --config-env local")


def test_a_deploy_with_a_change_updates_in_place_and_what_follows_from_it(shell, deployed):
    before = shell.outputs()
    shell.edit("template.yaml", "AttemptDurationSeconds: 86400", "AttemptDurationSeconds: 43200")
    shell.edit("statemachines/pipeline.asl.yaml", "Comment: Complete?", "Comment: Is it complete?")
    shell.edit("functions/notify/app.py", '"""Notify:', '"""The notifier:')
    shell("sam build")
    answer = shell("sam deploy --config-env local")
    assert "UPDATE_COMPLETE" in answer
    after = shell.outputs()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"CpuJobDefinitionArn"}
    mill, run = upload(shell, "second.txt")
    assert mill.finish(run)["status"] == "SUCCEEDED"
    (job, *_) = mill.jobs(run)
    assert job["jobDefinition"] == after["CpuJobDefinitionArn"]
    definition = mill.client("stepfunctions").describe_state_machine(stateMachineArn=after["StateMachineArn"])
    assert "Is it complete?" in definition["definition"]


def test_a_parameter_out_of_bounds_is_refused_with_its_rule(shell, deployed):
    answer = shell("sam deploy --config-env local --parameter-overrides MaxvCpus=0", fails=True)
    assert "MaxvCpus" in answer
    assert "must lie between 1 and" in answer


def test_delete_removes_everything_but_a_bucket_that_still_holds_something(shell, deployed):
    refused = shell("sam delete --no-prompts --region us-east-1 --config-env local", fails=True)
    assert "not empty" in refused
    bucket = shell.outputs()["BucketName"]
    mill = Mill(shell.environment["AWS_ENDPOINT_URL"], Path(shell.environment["DATA"]), {})
    s3 = mill.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for item in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
    shell("sam delete --no-prompts --region us-east-1 --config-env local")
    assert mill.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert mill.client("lambda").list_functions()["Functions"] == []
    assert bucket not in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]
    assert "does not exist" in shell(f"aws cloudformation describe-stacks --stack-name {STACK}", fails=True)
