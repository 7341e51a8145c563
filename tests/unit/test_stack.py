"""Finding the deployed stack: in each status of CloudFormation, and where there is none, or none any more."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from gristmill.cli import main
from gristmill.client.stack import Stack, open_stack
from gristmill.client.stack_status import is_settled, why_no_work
from gristmill.client.target import Target
from gristmill.errors import ExitCode, Unreachable

MODEL = botocore.session.get_session().get_service_model("cloudformation")
STATUSES = MODEL.shape_for("StackStatus").enum
# which of them are fit for new work; all others let what is there be looked at and ended
FOR_WORK = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
NOT_FOR_WORK = {
    "CREATE_IN_PROGRESS",
    "CREATE_FAILED",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_FAILED",
    "ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
    "UPDATE_IN_PROGRESS",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
    "REVIEW_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "IMPORT_ROLLBACK_FAILED",
}


class Formation:
    """Answers as CloudFormation does of one stack, in a status, with outputs or without."""

    def __init__(self, status: str | None, outputs: bool = True, deleted: datetime | None = None) -> None:
        self.status, self.outputs, self.deleted = status, outputs, deleted

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if self.status is None:
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": "Stack does not exist"}}, "DescribeStacks"
            )
        outputs = {"Outputs": [{"OutputKey": "BucketName", "OutputValue": "mill"}]} if self.outputs else {}
        return {"Stacks": [{"StackName": StackName, "StackStatus": self.status, **outputs}]}

    def get_paginator(self, _operation: str) -> "Formation":
        return self

    def paginate(self, **_filter: Any) -> Iterator[dict[str, Any]]:
        gone = {"StackName": "gristmill", "DeletionTime": self.deleted}
        yield {"StackSummaries": [gone] if self.deleted else []}
        yield {"StackSummaries": [{"StackName": "another", "DeletionTime": datetime.now(UTC)}]}


class At(Target):
    """A target that has one stack."""

    formation: Formation

    def client(self, _service: str) -> Any:
        return self.formation

    def describe(self) -> str:
        return "AWS account 123456789012, eu-west-1"


def at(formation: Formation) -> At:
    target = At(None, "eu-west-1")
    object.__setattr__(target, "formation", formation)
    return target


def test_every_status_that_cloudformation_knows_is_decided():
    assert set(STATUSES) - {"DELETE_COMPLETE"} == FOR_WORK | NOT_FOR_WORK


@pytest.mark.parametrize("status", sorted(FOR_WORK | NOT_FOR_WORK))
def test_a_stack_with_outputs_is_looked_at_in_any_status_and_worked_on_in_some(status: str):
    stack = open_stack(at(Formation(status)), "gristmill")
    assert stack.output("BucketName") == "mill"
    if status in FOR_WORK:
        stack.require_working()
        assert is_settled(status) is ("IN_PROGRESS" not in status)
    else:
        assert not is_settled(status)
        with pytest.raises(Unreachable, match=f"is in {status}: nothing new is started there. .+"):
            stack.require_working()


@pytest.mark.parametrize("status", sorted(NOT_FOR_WORK))
def test_a_stack_without_outputs_says_its_status_and_what_to_do(status: str):
    with pytest.raises(Unreachable, match=f"is in {status}, and has no outputs.") as raised:
        open_stack(at(Formation(status, outputs=False)), "gristmill")
    assert raised.value.mend == why_no_work(status) != ""


@pytest.mark.parametrize("status", [None, "DELETE_COMPLETE"])
def test_a_deleted_stack_and_its_runs_are_told(status: str | None):
    deleted = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    with pytest.raises(Unreachable, match=r"was deleted at 2026-01-02 03:04:05 UTC\. The runs that were"):
        open_stack(at(Formation(status, deleted=deleted)), "gristmill")


def test_where_there_is_no_stack_account_and_region_are_named_and_how_to_change_them():
    with pytest.raises(Unreachable) as raised:
        open_stack(at(Formation(None)), "gristmill")
    assert "AWS account 123456789012, eu-west-1" in raised.value.what
    for way in ("--stack", "AWS_REGION", "AWS_PROFILE"):
        assert way in raised.value.mend


@pytest.mark.parametrize(
    "words",
    [["runs"], ["stop", "0"], ["status"], ["logs"], ["results"], ["report"], ["watch"], ["subscriptions"], ["hosts"]],
)
def test_only_what_starts_work_asks_for_a_stack_that_is_fit_for_it(words: list[str], monkeypatch):
    """All commands open the stack; the note on stderr comes from there, and a refusal from those that start work."""
    asked: list[str] = []
    monkeypatch.setattr("gristmill.cli.terminal.session.choose", lambda *_: at(Formation("UPDATE_IN_PROGRESS")))
    monkeypatch.setattr(Stack, "require_working", lambda _mill: asked.append("work"))
    main.call(words)
    assert asked == []


def test_new_work_is_refused_while_the_stack_changes(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("gristmill.cli.terminal.session.choose", lambda *_: at(Formation("UPDATE_IN_PROGRESS")))
    (tmp_path / "a.txt").write_text("a\n")
    for words in (["run", "strings", str(tmp_path / "a.txt")], ["job", "submit", "true"]):
        assert main.call(words) == ExitCode.UNREACHABLE
        *_, changing, error = capsys.readouterr().err.splitlines()
        assert changing == "The stack gristmill is in UPDATE_IN_PROGRESS; what it shows may be out of date soon."
        assert error.startswith("error: stack 'gristmill' is in UPDATE_IN_PROGRESS: nothing new is started there.")
