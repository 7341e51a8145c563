"""Promise 11: what functions and jobs call is what their roles allow, and the roles allow little else."""

import json
import re
from collections.abc import Callable

import pytest

from embedded_aws.services.cloudformation.template import parse
from embedded_aws.settings.settings import CALLS_FILE
from gristmill import keys
from tests import asl
from tests.integration.batches import drop_batch
from tests.integration.mill import Mill
from tests.integration.policies import Call, Statement, denied, read_calls, refused, statements, unused
from tests.keyspace import RUN, every_key
from tests.project import PROJECT
from tests.reach import witness

FUNCTIONS = ("Split", "Feed", "JobMap", "Merge", "CheckOutput", "Notify")
ALL_ROLES = (*(f"{name}FunctionRole" for name in FUNCTIONS), "JobRole")

# what is granted and not used by the runs below, and when it is
SELDOM = {
    ("FeedFunctionRole", "SeeNotes", "s3:GetObjectVersion"): "a feeder that finds a note of its own there",
    ("FeedFunctionRole", "TellLostItems", "s3:PutObject"): "an item whose execution never began, or told nothing",
    ("FeedFunctionRole", "ResumeItems", "states:StartExecution"): "a batch that is resumed",
    ("FeedFunctionRole", "SeeWhetherItemsRun", "states:DescribeExecution"): "the same, or an item that is lost",
    ("SplitFunctionRole", "ReadDroppedFiles", "s3:GetObjectVersion"): "a drop note that names references or results",
    ("NotifyFunctionRole", "LookAtInput", "s3:GetObjectVersion"): "the same",
    ("SplitFunctionRole", "ReadPushedPipelines", "s3:GetObjectVersion"): "libraries that a version was pushed with",
    ("JobRole", "ReadLibraries", "s3:GetObject"): "a bucket without versions",
    ("JobRole", "ReadLibraries", "s3:GetObjectVersion"): "a pipeline that was pushed with libraries",
    ("SplitFunctionRole", "ReadDroppedFiles", "s3:GetObject"): "a bucket without versions",
    ("SplitFunctionRole", "LookAtListedObjects", "s3:GetObject"): "a dropped list of objects",
    ("JobMapFunctionRole", "ReadWhatStagesRead", "s3:GetObject"): "a stage that reads a result of an earlier one",
    ("JobMapFunctionRole", "ReadWhatStagesRead", "s3:GetObjectVersion"): "a second stage that reads the dropped file",
    ("MergeFunctionRole", "ReadLists", "s3:GetObject"): "a bucket without versions",
    (
        "MergeFunctionRole",
        "ReadLists",
        "s3:GetObjectVersion",
    ): "a branch that makes a file of each item of a dropped list",
    ("SplitFunctionRole", "KeepRunRecords", "s3:GetObjectVersion"): "a run that is resumed",
    ("MergeFunctionRole", "JoinSegments", "s3:GetObject"): "a branch that is merged already",
    ("MergeFunctionRole", "JoinSegments", "s3:GetObjectVersion"): "a file of each item of a list that was merged",
    ("MergeFunctionRole", "JoinSegments", "s3:AbortMultipartUpload"): "a merge that fails in its middle",
    ("JobMapFunctionRole", "CopyReused", "s3:AbortMultipartUpload"): "a copy that fails in its middle",
    ("JobMapFunctionRole", "KeepIndexes", "s3:AbortMultipartUpload"): "the same, of what only a later stage reads",
    ("CheckOutputFunctionRole", "KeepReusable", "s3:GetObject"): "an entry that is there, and cannot be used",
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
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in resources
        if resource["ResourceType"] == "AWS::IAM::Role"
    }


@pytest.fixture(scope="module")
def allowed(mill: Mill, roles: dict[str, str]) -> list[Statement]:
    iam = mill.client("iam")
    return [statement for name in ALL_ROLES for statement in statements(iam, roles[name], conditions=True)]


@pytest.fixture(scope="module")
def made(mill: Mill, tmp_path_factory: pytest.TempPathFactory) -> set[Call]:
    """Have each kind of run: two stages, figures, several inputs, a killed child, a stopped one; return all calls."""
    marks = [tmp_path_factory.mktemp("marks") for _ in range(2)]
    many = drop_batch(mill, "words", "privileges", {"one": b"a b\n", "two": b"c\n"})
    fine = mill.drop("words", "privileges.txt", b"a b\n" * 500)
    chained = mill.drop("tick", "privileges.txt", b"a\n")
    checked = mill.drop("checked", "privileges.json", b'{"error": 0, "sieve": {"noise": 0}}')
    paired = noted(mill)
    computed = mill.drop_verified("cached", "privileges.txt", b"a\nb\n")
    killed = mill.drop("trouble", "killed.txt", b"a\nBAD\n", mode="kill", marks=str(marks[0]))
    stopped = mill.drop("trouble", "stopped.txt", b"BAD\nBAD\n", mode="hang", marks=str(marks[1]))
    mill._until(lambda: any(marks[1].iterdir()), 60, "no task began")
    mill.client("stepfunctions").stop_execution(executionArn=mill.execution(stopped))
    mill.finish(computed)
    reused = mill.drop_verified("cached", "again.txt", b"a\nb\n")
    ends = [
        mill.finish(run)["status"] for run in (many, fine, checked, paired, chained, computed, reused, killed, stopped)
    ]
    assert ends == [*["SUCCEEDED"] * 8, "ABORTED"]
    return read_calls(mill.data / CALLS_FILE)


def noted(mill: Mill) -> str:
    """Drop a note whose files lie in each place that it may name."""
    places = {"input": "uploads/0/R1.fq", "mates": "results/other/R2.fq", "genome": "references/privileges.fa"}
    for number, key in enumerate(places.values()):
        body = b">a\nA\n" if key.endswith(".fa") else b"@r/%d\nA\n+\nI\n" % (number + 1)
        mill.client("s3").put_object(Bucket=mill.bucket, Key=key, Body=body)
    note = {"contract": 1, "input": places.pop("input"), "inputs": places}
    return mill.put(keys.note_key("mates", "privileges"), json.dumps(note).encode(), {})


def test_every_call_is_allowed(made: set[Call], allowed: list[Statement], roles: dict[str, str]):
    of_the_stack = {roles[name] for name in ALL_ROLES}
    assert {call.role for call in made} >= of_the_stack
    assert refused(made, allowed, of_the_stack) == []


def test_every_grant_is_used_or_has_a_reason(made: set[Call], allowed: list[Statement], roles: dict[str, str]):
    names = {roles[name]: name for name in ALL_ROLES}
    assert {(names[role], *rest) for role, *rest in unused(made, allowed)} - set(SELDOM) == set()


def writable(mill: Mill, name: str) -> Callable[[str], str | None]:
    """Return what finds a key that a pattern of keys and a pattern granted to a role have in common, if any."""
    bucket = f"arn:aws:s3:::{mill.bucket}/"
    of_role = statements(mill.client("iam"), mill.physical(name), conditions=True)
    granted = [item for item in of_role if any(map(changes, item.actions))]
    assert {action for statement in granted for action in statement.actions if changes(action)} <= {"s3:PutObject"}
    patterns = [resource for statement in granted for resource in statement.resources]
    assert all(pattern.startswith(bucket) for pattern in patterns)
    template = parse((PROJECT / "template.yaml").read_text())  # the embedded AWS puts no conditional statements
    kept = [pattern.removeprefix("${Bucket.Arn}/") for pattern in denied(template, name, "s3:PutObject")]

    def find(key: str) -> str | None:
        found = (witness([pattern.removeprefix(bucket), key], kept) for pattern in patterns)
        return next((text for text in found if text is not None), None)

    return find


def changes(action: str) -> bool:
    """Return whether an action of S3 changes objects; ending one's own upload changes none."""
    return action.startswith("s3:") and not re.match(r"s3:(Get|List|AbortMultipartUpload$)", action)


@pytest.mark.parametrize("name", ["JobRole", "MpiJobRole", "CommandRole"])
def test_the_code_of_a_user_reaches_nothing_that_says_what_a_run_is_or_came_to(mill: Mill, name: str):
    """Every granted pattern is glued under every key and prefix that there is, whatever its wildcards stand for."""
    find = writable(mill, name)
    kept = {f"{key}*" for key in every_key() if not key.startswith(keys.WORK)}
    assert {keys.run_record(RUN) + "*", keys.checks(RUN, "*") + "*", keys.outcomes(RUN) + "*"} < kept
    assert {key: found for key in kept if (found := find(key))} == {}


@pytest.mark.parametrize(("name", "may"), [("JobRole", False), ("MpiJobRole", True), ("CommandRole", False)])
@pytest.mark.parametrize("run", [RUN, "jobs"])
def test_nodes_alone_write_where_nodes_fetch_what_they_run(mill: Mill, name: str, may: bool, run: str):
    place = keys.Rendezvous(run, "*", 1)
    assert bool(writable(mill, name)(f"{place.prefix}*")) is may


def test_jobs_write_all_that_they_have_to(mill: Mill):
    """So that the tests above cannot pass by granting nothing."""
    branch = keys.BranchKeys(RUN, "map", "lines", "f" * 16)
    for name in ("JobRole", "MpiJobRole"):
        find = writable(mill, name)
        for key in (branch.segment(keys.Span(0, 1)), branch.receipt(keys.Span(0, 1)), branch.failure(0, 0)):
            assert find(key) == key
        assert find(f"{branch.usage}*")
        assert find(f"{keys.own(RUN)}*")


def test_no_grant_is_wide(allowed: list[Statement]):
    """No action has a wildcard, and all resources are named but for actions that know none."""
    for statement in allowed:
        assert not any("*" in action for action in statement.actions), statement
        if "*" in statement.resources:
            looks = {"batch:ListJobs", "batch:DescribeJobs", "batch:DescribeJobDefinitions"}
            assert set(statement.actions) <= looks, statement


def test_the_state_machine_may_do_what_its_text_asks_for_and_no_more():
    template = parse((PROJECT / "template.yaml").read_text())
    (policy,) = template["Resources"]["PipelineRole"]["Properties"]["Policies"]
    granted = {
        action
        for item in policy["PolicyDocument"]["Statement"]
        if item["Sid"] not in ("DeliverLogs", "WaitForJobs")  # what Step Functions' logging, tracing and .sync ask for
        for action in ([item["Action"]] if isinstance(item["Action"], str) else item["Action"])
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
