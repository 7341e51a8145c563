"""An in-process bucket, and a run walked through the core without any state machine."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from hypothesis import settings
from moto import mock_aws

from gristmill.steps.split.claimant import Claimant
from gristmill.storage.s3 import S3Storage

# the machine may be busy, so no example has a deadline
settings.register_profile("mill", deadline=None, max_examples=50)
settings.load_profile("mill")

BUCKET = "mill"
ROOTS = [Path(__file__).parents[2] / "batch_jobs", Path(__file__).parents[1] / "pipelines"]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Storage]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield S3Storage(BUCKET, client)


@pytest.fixture
def claimant() -> Claimant:
    return Claimant("arn:aws:states:us-east-1:123456789012:execution:mill:one", datetime(2026, 1, 2, tzinfo=UTC), ROOTS)
