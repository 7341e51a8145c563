"""Secrets of a container in the embedded Batch: read at its start, in its environment alone."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.integration.batch import Batch

VALUE = "hunter2-of-the-embedded-aws"
ROLE = "arn:aws:iam::123456789012:role/execution"


def define(batch: Batch, name: str, line: str, **secrets: str) -> str:
    given = [{"name": variable, "valueFrom": source} for variable, source in secrets.items()]
    arn: str = batch.api.register_job_definition(
        jobDefinitionName=name,
        type="container",
        containerProperties={**batch.container(line), "secrets": given, "executionRoleArn": ROLE},
    )["jobDefinitionArn"]
    return arn


def test_parameters_and_secrets_are_in_the_environment_and_nowhere_else(batch: Batch):
    batch.client("ssm").put_parameter(Name="/a/key", Value=VALUE, Type="SecureString")
    kept = batch.client("secretsmanager").create_secret(Name="a/token", SecretString=VALUE)["ARN"]
    line = f'test "$KEY" = "$TOKEN" && test ${{#KEY}} = {len(VALUE)}'
    job = batch.end(batch.submit(define(batch, "secretive", line, KEY="/a/key", TOKEN=kept)))
    assert (job["status"], len(job["container"]["secrets"])) == ("SUCCEEDED", 2)
    assert VALUE not in json.dumps(job, default=str)


def test_every_node_has_them(batch: Batch, tmp_path: Path):
    """The main node ends once the other one has said that it has its secret."""
    batch.client("ssm").put_parameter(Name="/a/node", Value=VALUE, Type="SecureString")
    secret = {"secrets": [{"name": "KEY", "valueFrom": "/a/node"}], "executionRoleArn": ROLE}
    other = f"if [ $AWS_BATCH_JOB_NODE_INDEX = 1 ]; then touch {tmp_path}/has; fi"
    line = f"test ${{#KEY}} = {len(VALUE)} || exit 1; {other}; while [ ! -e {tmp_path}/has ]; do sleep 0.02; done"
    container = {**batch.container(line), **secret}
    ranges = [{"targetNodes": "0:", "container": container}]
    arn = batch.api.register_job_definition(
        jobDefinitionName="nodes",
        type="multinode",
        nodeProperties={"numNodes": 2, "mainNode": 0, "nodeRangeProperties": ranges},
    )["jobDefinitionArn"]
    assert batch.end(batch.submit(arn))["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("source", "service", "code"),
    [
        ("/a/none", "SSM Parameter Store", "ParameterNotFound"),
        (
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:a/none-AbCdEf",
            "AWS Secrets Manager",
            "ResourceNotFoundException",
        ),
    ],
)
def test_secret_that_is_missing_fails_the_job_with_its_name(batch: Batch, source: str, service: str, code: str):
    job = batch.end(batch.submit(define(batch, "lacking", "true", KEY=source)))
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    assert job["container"]["reason"] == (
        "ResourceInitializationError: unable to pull secrets or registry auth: "
        f"fetching secret data from {service} in us-east-1: {code}: {source}"
    )


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "must have an executionRoleArn"),
        ({"executionRoleArn": ROLE, "environment": [{"name": "KEY", "value": "x"}]}, "must be unique .*: KEY"),
    ],
)
def test_definition_that_ecs_would_refuse_is_refused(batch: Batch, more: dict[str, object], why: str):
    container = {**batch.container("true"), "secrets": [{"name": "KEY", "valueFrom": "/a/key"}], **more}
    with pytest.raises(ClientError, match=why):
        batch.api.register_job_definition(jobDefinitionName="no", type="container", containerProperties=container)
