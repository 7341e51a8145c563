"""What Batch retries: the rules of the template's own job definition, against what Batch says of an attempt."""

import pytest

from embedded_aws.services.batch.engine.retry import is_retried
from embedded_aws.services.batch.model.model import Attempt
from embedded_aws.services.cloudformation.template import parse
from tests.project import PROJECT

TEMPLATE = parse((PROJECT / "template.yaml").read_text())["Resources"]
STRATEGY = TEMPLATE["CpuJobDefinition"]["Properties"]["RetryStrategy"]
RULES = [{name[0].lower() + name[1:]: value for name, value in rule.items()} for rule in STRATEGY["EvaluateOnExit"]]


def attempt(reason: str = "", status_reason: str = "", exit_code: int | None = None) -> Attempt:
    return Attempt("stream", 0, exit_code=exit_code, reason=reason, status_reason=status_reason)


@pytest.mark.parametrize(
    ("ended", "again"),
    [
        (attempt(status_reason="Host EC2 (instance i-0123456789abcdef0) terminated."), True),
        (attempt(reason="CannotPullContainerError: pull image manifest has been retried"), True),
        (attempt(status_reason="Essential container in task exited", exit_code=1), False),
        (attempt(reason="OutOfMemoryError: Container killed due to memory usage", exit_code=137), False),
        (attempt(status_reason="Essential container in task exited", exit_code=139), False),
    ],
)
def test_batch_retries_a_lost_host_and_leaves_the_jobs_own_errors_to_the_pipeline(ended, again):
    assert is_retried(ended, 1, STRATEGY["Attempts"], RULES) is again
    assert not is_retried(ended, STRATEGY["Attempts"], STRATEGY["Attempts"], RULES)


def test_every_queue_cancels_what_cannot_be_placed():
    for name, resource in TEMPLATE.items():
        if resource["Type"] == "AWS::Batch::JobQueue":
            actions = resource["Properties"]["JobStateTimeLimitActions"]
            reasons = {action["Reason"].partition(":")[0] for action in actions}
            assert reasons >= {"CAPACITY", "MISCONFIGURATION"}, name
            assert {(action["State"], action["Action"]) for action in actions} == {("RUNNABLE", "CANCEL")}, name


def test_every_job_definition_has_a_time_limit():
    for name, resource in TEMPLATE.items():
        if resource["Type"] == "AWS::Batch::JobDefinition":
            assert resource["Properties"]["Timeout"]["AttemptDurationSeconds"] > 0, name
