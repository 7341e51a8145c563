"""The states of Batch's jobs, which Gristmill and the embedded AWS each have by themselves, are AWS's."""

import boto3

from embedded_aws.services.batch.model.model import Status
from gristmill.enums import JobStatus


def test_both_packages_have_the_states_of_the_api():
    model = boto3.session.Session().client("batch", region_name="us-east-1").meta.service_model
    states = model.shape_for("JobStatus").enum
    assert sorted(JobStatus) == sorted(Status) == sorted(states)
