"""What CheckOutput and Notify decide: pure decisions, each promise at its smallest."""

import json
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

import pytest

from gristmill import keys
from gristmill.enums import CheckVerdict, Encoding, RecordFormat, RunStatus
from gristmill.keys import Span
from gristmill.limits import SNS_MESSAGE_MAX, SNS_SUBJECT_MAX
from gristmill.outcome.event import cause_of, read_payload
from gristmill.outcome.ownership import may_report
from gristmill.outcome.summary import RunSummary
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Split, Stage
from gristmill.runs.coverage import Coverage, Slice
from gristmill.runs.cursor import Cursor
from gristmill.runs.evidence import Failure
from gristmill.runs.findings import BranchFinding
from gristmill.runs.records import RunRecord
from gristmill.steps.check_output.causes import CauseClients, explain, failures
from gristmill.steps.check_output.verdict import Expected, count_failure, judge
from gristmill.steps.notify.mail import body, subject
from gristmill.steps.notify.notice import make_notice
from gristmill.storage.folder import FolderStorage

CANCELED = "Canceled by JobStateTimeLimit action due to reason: "
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BRANCH = Branch(name="copied", run="jobs:copy", attempts=3)
STAGE = Stage(name="copy", split=Split(records=RecordFormat.LINES, records_per_task=1), branches=[BRANCH])


def failure(reason: str) -> Failure:
    return Failure(
        stage="copy", branch="copied", task=None, attempt=0, reason=reason, detail="", exit_code=None, job_id="j",
        log_stream="", at=NOW,
    )  # fmt: skip


def finding(missing: int = 0, problem: str | None = None, output: str | None = "key", reason: str = "x"):
    return BranchFinding(
        branch="copied", tasks=4, done=4 - missing, records_in=4, records_out=4, bytes_in=8, bytes_out=8,
        output=None if missing else output, failures=[failure(reason)] if missing else [], missing=missing,
        problem=problem,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "tries", "verdict"),
    [
        (finding(), 1, CheckVerdict.COMPLETE),
        (finding(), 3, CheckVerdict.COMPLETE),
        (finding(missing=1), 1, CheckVerdict.INCOMPLETE),
        (finding(missing=1), 2, CheckVerdict.INCOMPLETE),
        (finding(missing=1), 3, CheckVerdict.FAILED),
        (finding(missing=1, reason="MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"), 1, CheckVerdict.FAILED),
        (finding(missing=1, reason=f"{CANCELED}MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"), 1, CheckVerdict.FAILED),
        (finding(missing=1, reason=f"{CANCELED}CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"), 1, CheckVerdict.INCOMPLETE),
        (finding(missing=1, reason="CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"), 1, CheckVerdict.INCOMPLETE),
        (finding(output=None), 1, CheckVerdict.INCOMPLETE),  # done, but not merged
        (finding(output=None), 3, CheckVerdict.FAILED),
        (finding(problem="one is lost"), 1, CheckVerdict.FAILED),  # a count that is wrong stays wrong
    ],
)
def test_only_what_is_whole_is_complete_and_only_what_can_mend_is_tried_again(found, tries, verdict):
    assert judge(STAGE, [found], tries)[0] is verdict


def held(bytes_in: int = 8, records_in: int = 4, records_out: int = 4) -> Coverage:
    return Coverage([Slice(Span(0, 4), "segment", 0, 8, bytes_in, records_in, records_out, "")], [])


@pytest.mark.parametrize(
    ("cover", "expected", "failure"),
    [
        (held(), Expected(4, 8, 4, Encoding.PLAIN), None),
        (held(), Expected(4, 8, None, Encoding.PLAIN), None),  # the split did not count
        (held(bytes_in=7), Expected(4, 8, 4, Encoding.PLAIN), "read 7 bytes, but the input has 8"),
        (held(records_in=3), Expected(4, 8, 4, Encoding.PLAIN), "read 3 records, but the split counted 4"),
        (held(records_out=5), Expected(4, 8, 4, Encoding.PLAIN), "wrote 5 records for 4 read"),
    ],
)
def test_counts_that_do_not_add_up_are_told(cover, expected, failure):
    found = count_failure(cover, expected, counts_match=True)
    assert found is None if failure is None else failure in (found or "")


@pytest.mark.parametrize(
    ("exit_code", "reason", "status_reason", "line"),
    [
        (137, None, "Essential container in task exited", "killed by SIGKILL (exit code 137)"),
        (143, None, None, "killed by SIGTERM (exit code 143)"),
        (255, None, None, "killed by signal 127"),
        (3, None, None, "exit code 3"),
        (None, "CannotPullContainerError: no such image", None, "CannotPullContainerError: no such image"),
        (None, None, None, "the job failed and gave no reason"),
    ],
)
def test_how_a_child_died_is_put_into_words(exit_code, reason, status_reason, line):
    assert line in explain(exit_code, reason, status_reason)


def test_a_functions_error_is_told_without_its_wrapping():
    raised = json.dumps({"errorType": "ValueError", "errorMessage": "bad", "stackTrace": ["line"]})
    assert (
        cause_of({"Error": "ValueError", "Cause": raised})
        == "an unexpected error (ValueError: bad); the log has its trace"
    )
    assert cause_of({"Error": "States.Timeout"}) == "it ran past its time limit (States.Timeout)"
    assert (
        cause_of({"Error": "Batch.Odd", "Cause": "text"})
        == "an unexpected error (Batch.Odd: text); the log has its trace"
    )
    text = 'an unexpected error (A.Odd: "json, but no error"); the log has its trace'
    assert cause_of({"Error": "A.Odd", "Cause": '"json, but no error"'}) == text


EVENT = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {
        "bucket": {"name": "b"},
        "object": {"key": "inputs/strings/x.txt", "size": 1, "etag": "e", "version-id": "v", "sequencer": "0"},
    },
}


def payload(event: dict) -> dict:
    return {"status": "FAILED", "execution": "arn:mine", "event": event, "started": NOW.isoformat()}


def resume_at(fence: int) -> dict:
    return {"resume": {"run": "0" * 16, "fence": fence}}


def record(execution: str) -> RunRecord:
    return RunRecord.model_validate(
        {
            "run": "0" * 16, "execution": execution, "fence": 3, "claimed_at": NOW, "owner": "me", "pipeline": None,
            "parameters": {}, "faults": [],
            "input": {"bucket": "b", "key": "inputs/x/y", "version": "v", "etag": "e", "size": 1, "sequencer": "0"},
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("event", "owner", "speaks"),
    [
        (EVENT, "arn:mine", True),
        (EVENT, None, True),  # Split failed before its claim
        (EVENT, "arn:another", False),  # a duplicate
        (resume_at(2), "arn:mine", True),
        (resume_at(3), "arn:another", True),  # failed before it took the run over
        (resume_at(2), "arn:another", False),  # another resume took it over
        (resume_at(1), "arn:another", False),  # it owned the run, or was to, long ago
        (resume_at(3), None, False),  # of a run that never was
    ],
)
def test_only_an_execution_that_has_to_do_with_the_run_speaks_of_it(event, owner, speaks):
    assert may_report(read_payload(payload(event), "b"), record(owner) if owner else None) is speaks


def summary(name: str = "x.txt", **more) -> RunSummary:
    return RunSummary(
        **{
            "status": RunStatus.FAILED, "run": "0" * 16, "pipeline": "strings", "name": name, "owner": "me",
            "input_size": 1, "bucket": "b", "started_at": NOW, "ended_at": NOW + timedelta(seconds=61), "reason": "why",
            "findings": [], "results": [], **more,
        }
    )  # fmt: skip


@pytest.mark.parametrize("name", ["x.txt", "n" * 1000, "é" * 500, "a\nb\tc", "挽き臼.txt", ""])
def test_any_name_makes_a_subject_that_sns_takes(name):
    line = subject(summary(name))
    assert len(line) < SNS_SUBJECT_MAX
    assert line.isascii()
    assert line.isprintable()
    assert line.startswith("[gristmill] FAILED ")


def test_a_mail_stays_within_its_limit_and_keeps_its_attributes():
    notice = summary(reason="é" * SNS_MESSAGE_MAX, name="n" * 900)
    size = len(body(notice).encode()) + sum(len(value.encode()) for value in make_notice(notice).attributes.values())
    assert size <= SNS_MESSAGE_MAX


def test_a_failed_run_names_the_command_that_resumes_and_a_refused_one_does_not():
    assert f"gristmill resume {'0' * 16}" in body(summary())
    refused = body(summary(faults=["this", "that"]))
    assert "  this\n  that\n" in refused
    assert "resume" not in refused


def test_job_names_of_a_run_are_found_by_their_prefix():
    assert keys.BranchKeys("r", "s", "b", "f").job_name(1, 2).startswith(keys.job_name_prefix("r"))


def test_a_branch_that_may_write_any_number_of_records_is_held_to_the_rest():
    assert count_failure(held(records_out=9), Expected(4, 8, 4, Encoding.PLAIN), counts_match=False) is None
    assert count_failure(held(bytes_in=7), Expected(4, 8, 4, Encoding.PLAIN), counts_match=False) is not None


class OneQueue:
    """A Batch with failed jobs of a name each; its filter takes `*` for anything, as Batch's own does."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def get_paginator(self, _operation: str) -> "OneQueue":
        return self

    def paginate(self, filters: list[dict[str, list[str]]], **_which: str) -> list[dict[str, list[dict[str, str]]]]:
        found = [name for name in self.names if fnmatchcase(name, filters[0]["values"][0])]
        return [{"jobSummaryList": [{"jobId": name, "jobName": name, "status": "FAILED"} for name in found]}]

    def describe_jobs(self, jobs: list[str]) -> dict[str, list[dict[str, str]]]:
        return {"jobs": [{"jobId": job, "statusReason": f"{job} died"} for job in jobs]}


def test_a_branch_whose_name_goes_on_with_digits_explains_nothing_of_another(tmp_path):
    place, other = keys.BranchKeys("r", "map", "b", "f"), keys.BranchKeys("r", "map", "b-0", "f")
    batch = OneQueue(place.job_name(0, 0), other.job_name(0, 0), other.job_name(0, 1))
    clients = CauseClients(batch, None, ["queue"], "logs")
    store = FolderStorage(tmp_path, tmp_path / "x", "inputs/x")
    found = failures(store, clients, Cursor("r", "map", 0), place, [Span(0, 9)])
    assert [failure.job_id for failure in found] == [place.job_name(0, 0)]
