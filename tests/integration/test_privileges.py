"""Promise 11: what functions and jobs call is what their roles allow, and the roles allow little else."""

import re

import pytest

from embedded_aws.services.cloudformation.template import parse
from embedded_aws.settings.settings import CALLS_FILE
from gristmill import keys
from tests import asl
from tests.integration.mill import Mill
from tests.integration.policies import Call, Statement, read_calls, refused, statements, unused
from tests.project import PROJECT

FUNCTIONS = ("Split", "JobMap", "Merge", "CheckOutput", "Notify")
ALL_ROLES = (*(f"{name}FunctionRole" for name in FUNCTIONS), "JobRole")

# what is granted and not used by the runs below, and when it is
SELDOM = {
    ("SplitFunctionRole", "ReadDroppedFiles", "s3:GetObject"): "a bucket without versions",
    ("JobMapFunctionRole", "ReadWhatStagesRead", "s3:GetObject"): "a stage that reads a result of an earlier one",
    ("JobMapFunctionRole", "ReadWhatStagesRead", "s3:GetObjectVersion"): "a second stage that reads the dropped file",
    ("MergeFunctionRole", "ReadLists", "s3:GetObject"): "a bucket without versions",
    (
        "MergeFunctionRole",
        "ReadLists",
        "s3:GetObjectVersion",
    ): "a branch that makes a file of each item of a dropped list",
    ("MergeFunctionRole", "JoinSegments", "s3:AbortMultipartUpload"): "a merge that fails in its middle",
    ("MergeFunctionRole", "DropIntermediates", "s3:DeleteObject"): "a merge of more than 10,000 parts",
    ("NotifyFunctionRole", "LookAtInput", "s3:GetObject"): "a bucket without versions",
    ("NotifyFunctionRole", "EndLeftOverJobs", "batch:TerminateJob"): "a job that its execution did not end itself",
    (
        "NotifyFunctionRole",
        "DeadLetterQueuePolicy",
        "sqs:SendMessage",
    ): "Lambda itself, for what failed three times",
    ("JobRole", "ReadInputs", "s3:GetObject"): "a stage that reads a result of an earlier one",
    ("JobRole", "ReadInputs", "s3:GetObjectVersion"): "the same, in one statement with the dropped files",
    ("JobRole", "ReadWork", "s3:GetObject"): "a stage that reads parts, or a job that Batch tries again",
    ("JobRole", "CommitOutputs", "s3:AbortMultipartUpload"): "a segment whose upload fails in its middle",
    ("JobRole", "TellHowItWent", "s3:PutObject"): "a task that fails and can still say so",
    ("JobRole", "KeepFilesOfItsOwn", "s3:PutObject"): "a job that keeps a store of arrays beside its output",
    ("JobRole", "KeepFilesOfItsOwn", "s3:AbortMultipartUpload"): "the same, where an upload fails in its middle",
}


@pytest.fixture(scope="module")
def roles(mill: Mill) -> dict[str, str]:
    """Return the names of the stack's roles by their logical names."""
    resources = mill.client("cloudformation").describe_stack_resources(StackName="gristmill")["StackResources"]
    return {
        one["LogicalResourceId"]: one["PhysicalResourceId"]
        for one in resources
        if one["ResourceType"] == "AWS::IAM::Role"
    }


@pytest.fixture(scope="module")
def allowed(mill: Mill, roles: dict[str, str]) -> list[Statement]:
    iam = mill.client("iam")
    return [one for name in ALL_ROLES for one in statements(iam, roles[name])]


@pytest.fixture(scope="module")
def made(mill: Mill, tmp_path_factory: pytest.TempPathFactory) -> set[Call]:
    """Have each kind of run: two stages, a killed child, one that is stopped; return all calls."""
    marks = [tmp_path_factory.mktemp("marks") for _ in range(2)]
    fine = mill.drop("words", "privileges.txt", b"a b\n" * 500)
    killed = mill.drop("trouble", "killed.txt", b"a\nBAD\n", mode="kill", marks=str(marks[0]))
    stopped = mill.drop("trouble", "stopped.txt", b"BAD\nBAD\n", mode="hang", marks=str(marks[1]))
    mill._until(lambda: any(marks[1].iterdir()), 30, "no task began")
    mill.client("stepfunctions").stop_execution(executionArn=mill.execution(stopped))
    ends = [mill.finish(run)["status"] for run in (fine, killed, stopped)]
    assert ends == ["SUCCEEDED", "SUCCEEDED", "ABORTED"]
    return read_calls(mill.data / CALLS_FILE)


def test_every_call_is_allowed(made: set[Call], allowed: list[Statement], roles: dict[str, str]):
    of_the_stack = {roles[name] for name in ALL_ROLES}
    assert {call.role for call in made} >= of_the_stack
    assert refused(made, allowed, of_the_stack) == []


def test_every_grant_is_used_or_has_a_reason(made: set[Call], allowed: list[Statement], roles: dict[str, str]):
    names = {roles[name]: name for name in ALL_ROLES}
    assert {(names[role], *rest) for role, *rest in unused(made, allowed)} - set(SELDOM) == set()


def test_the_code_of_a_user_changes_nothing_that_says_what_a_run_is_or_came_to(mill: Mill, roles: dict[str, str]):
    kept = [
        keys.run_record("0" * 16),
        keys.estimate("0" * 16),
        keys.outcome("0" * 16, "e"),
        keys.stop("0" * 16, "e"),
        keys.sign("0" * 16, "merge", 1, "r"),
        keys.chunks("0" * 16, "map"),
        keys.check("0" * 16, "map", 0),
        keys.BranchKeys("0" * 16, "map", "lines").tasks(1),
        keys.BranchKeys("0" * 16, "map", "lines").merged,
        keys.result("strings", "a.txt", "0" * 16, "lines.txt"),
    ]
    for name in ("JobRole", "MpiJobRole", "CommandRole"):
        granted = list(statements(mill.client("iam"), roles[name], conditions=True))
        for key in kept:
            call = Call(roles[name], "s3:PutObject", f"arn:aws:s3:::{mill.bucket}/{key}")
            assert not any(one.allows(call) for one in granted), (name, key)


def test_no_grant_is_wide(allowed: list[Statement]):
    """No action has a wildcard, and all resources are named but for actions that know none."""
    for one in allowed:
        assert not any("*" in action for action in one.actions), one
        if "*" in one.resources:
            assert set(one.actions) <= {"batch:ListJobs", "batch:DescribeJobs"}, one


def test_the_state_machine_may_do_what_its_text_asks_for_and_no_more():
    template = parse((PROJECT / "template.yaml").read_text())
    (policy,) = template["Resources"]["PipelineRole"]["Properties"]["Policies"]
    granted = {
        action
        for one in policy["PolicyDocument"]["Statement"]
        if one["Sid"] not in ("DeliverLogs", "WaitForJobs")  # what Step Functions' logging, tracing and .sync ask for
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    }
    assert granted == {action for name, state in asl.states(asl.definition()) for action in _needs(state)}


def _needs(state: dict[str, object]) -> set[str]:
    """Return the IAM actions of a Task state (Step Functions developer guide, "IAM policies for services")."""
    resource = str(state.get("Resource", ""))
    if resource.endswith("lambda:invoke"):
        return {"lambda:InvokeFunction"}
    if resource.endswith("batch:submitJob.sync"):
        return {"batch:SubmitJob", "batch:DescribeJobs", "batch:TerminateJob"}
    sdk = re.search(r"aws-sdk:(\w+):(\w)(\w+)$", resource)
    return {f"{sdk[1]}:{sdk[2].upper()}{sdk[3]}"} if sdk else set()
