"""The mail: a subject that SNS takes, whatever the file's name, and a body within its limit that says all."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.cli.terminal.cause import show_cause
from gristmill.client.runs.causes import Cause
from gristmill.enums import Breach, CheckVerdict, RunStatus
from gristmill.humanize import ascii_only, duration, size
from gristmill.limits import CHECKS_MAX, MESSAGE_MAX, SNS_MESSAGE_MAX, SNS_SUBJECT_MAX
from gristmill.outcome.summary import RunSummary
from gristmill.pipeline.check import Check
from gristmill.runs.evidence import Failure
from gristmill.runs.findings import BranchFinding, Finding
from gristmill.steps.check_output.figures import check_figures
from gristmill.steps.notify.channels import read_notice, write_notice
from gristmill.steps.notify.mail import body, subject
from gristmill.steps.notify.notice import make_notice
from gristmill.storage import ObjectInfo

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def summary(**more) -> RunSummary:
    usual = {
        "status": RunStatus.SUCCEEDED,
        "run": "0123456789abcdef",
        "pipeline": "strings",
        "name": "input.tsv",
        "owner": "miller",
        "input_size": 1_234_567,
        "bucket": "mill",
        "started_at": NOW,
        "ended_at": NOW + timedelta(seconds=12),
        "reason": "",
        "findings": [],
        "results": [],
    }
    return RunSummary(**{**usual, **more})


def failed_finding() -> Finding:
    failure = Failure(
        stage="map",
        branch="reverse",
        task=7,
        attempt=2,
        reason="ValueError: the grain is wet",
        detail="Traceback\n  line",
        exit_code=1,
        job_id="j",
        log_stream="l",
        at=NOW,
    )
    branch = BranchFinding(
        branch="reverse",
        tasks=1000,
        done=999,
        records_in=5,
        records_out=5,
        bytes_in=5,
        bytes_out=5,
        output=None,
        failures=[failure],
        missing=1,
        problem=None,
    )
    return Finding(run="r", stage="map", attempt=2, verdict=CheckVerdict.FAILED, reason="x", branches=[branch])


def test_the_subject_reads_as_the_issue_says():
    assert subject(summary()) == "[gristmill] SUCCEEDED strings/input.tsv in 12 s"
    assert subject(summary(status=RunStatus.FAILED)) == "[gristmill] FAILED strings/input.tsv after 12 s"


@given(st.text(max_size=1500), st.sampled_from(RunStatus), st.integers(0, 10**7))
def test_any_subject_is_what_sns_takes(name, status, seconds):
    """Amazon SNS API reference, Publish: printable ASCII, below 100 characters, begins with no space."""
    line = subject(summary(name=name, status=status, ended_at=NOW + timedelta(seconds=seconds)))
    assert len(line) < SNS_SUBJECT_MAX
    assert all(" " <= letter <= "~" for letter in line)
    assert line.startswith(f"[gristmill] {status} ")


def test_letters_lose_their_accents_and_others_become_question_marks():
    assert ascii_only("Müller 挽\n") == "Muller ??"


def test_a_failure_is_told_with_all_that_leads_to_it():
    text = body(summary(status=RunStatus.FAILED, reason="1 of 1,000 tasks have no output", findings=[failed_finding()]))
    for words in (
        "map",
        "reverse",
        "task 7",
        "attempt 3",
        "exit code 1",
        "the grain is wet",
        "| Traceback",
        "999 of 1,000",
    ):
        assert words in text
    assert "gristmill resume 0123456789abcdef" in text


def test_a_task_of_several_outputs_is_told_once():
    finding = failed_finding()
    several = [finding.branches[0].model_copy(update={"branch": f"reverse.{name}"}) for name in ("vcf", "log")]
    several[0] = several[0].model_copy(update={"missing": 0, "left_out": 1})
    both = finding.model_copy(update={"branches": several})
    text = body(summary(status=RunStatus.FAILED, findings=[both], left_out="1 of 1,000 left out"))
    assert text.count("What failed in branch reverse (1 of 1,000 tasks)\n  map/reverse, task 7") == 1
    assert text.count("  map/reverse, task 7") == 2  # where tasks were left out, and where what failed is
    assert [branch.branch for branch in both.by_branch] == ["reverse"]


def test_results_are_told_with_the_command_that_gets_them():
    text = body(summary(results=[ObjectInfo("results/strings/input.tsv/r/reverse.tsv", 2_000_000, "")]))
    assert "s3://mill/results/strings/input.tsv/r/reverse.tsv (2.0 MB)" in text
    assert "gristmill results 0123456789abcdef" in text


def test_a_body_stays_within_the_limit_however_long_the_reason():
    text = body(summary(reason="ü" * SNS_MESSAGE_MAX))
    assert len(text.encode()) <= SNS_MESSAGE_MAX


def test_a_success_says_what_it_is_doubted_for_and_stays_within_the_limits():
    check = Check(of="b", figure="x", maximum=1, otherwise=Breach.WARN, message="ü" * MESSAGE_MAX)
    results = check_figures([check] * CHECKS_MAX, b'{"x": 2}')
    (branch,) = failed_finding().branches
    found = failed_finding().model_copy(update={"branches": [branch.model_copy(update={"checks": results})]})
    doubted = summary(findings=[found], name="n" * 200)
    assert subject(doubted).startswith("[gristmill] SUCCEEDED with 50 warnings ")
    assert len(subject(doubted)) < SNS_SUBJECT_MAX
    assert "Its own figures raise a doubt" in body(doubted)
    notice = make_notice(doubted)
    assert len(body(doubted).encode()) <= SNS_MESSAGE_MAX // 4
    assert len(write_notice(notice).encode()) <= 48 * 1024
    first = list(read_notice(write_notice(notice)).warnings)
    assert 0 < len(first) < len(notice.warnings) == CHECKS_MAX
    assert first == list(notice.warnings)[: len(first)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (-3, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3725, "1 h 2 min"), (90000, "25 h 0 min")],
)
def test_durations(seconds, text):
    assert duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (2.5e13, "25.0 TB")])
def test_sizes(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    ("changed", "headline"),
    [
        ({}, "map/reverse, task 7, attempt 3, exit code 1: ValueError: the grain is wet"),
        (
            {"start": 5000, "end": 7500},
            "map/reverse, task 7 (bytes 5,000 to 7,499 of its stage's input), attempt 3, exit code 1: "
            "ValueError: the grain is wet",
        ),
        ({"task": None, "exit_code": None}, "map/reverse, a child, attempt 3: ValueError: the grain is wet"),
    ],
)
def test_a_failure_has_one_headline(changed, headline):
    (branch,) = failed_finding().branches
    failure = branch.failures[0].model_copy(update=changed)
    assert failure.headline == headline
    (mail_line,) = [line for line in body(summary(findings=[failed_finding()])).splitlines() if "the grain" in line]
    assert mail_line == f"  {branch.failures[0].headline}"


def test_the_same_trace_of_several_tasks_is_shown_once(capsys):
    finding = failed_finding()
    (branch,) = finding.branches
    (first,) = branch.failures
    same, other = {"task": 8}, {"task": 9, "detail": "Traceback\n  other"}
    failures = [first, *(first.model_copy(update=change) for change in (same, other))]
    many = branch.model_copy(update={"failures": failures, "missing": 3})
    text = body(summary(status=RunStatus.FAILED, findings=[finding.model_copy(update={"branches": [many]})]))
    show_cause(SimpleNamespace(going=True), Cause("", failures, {}))
    for shown in (text, capsys.readouterr().out):
        assert [shown.count(f"task {number}") for number in (7, 8, 9)] == [1, 1, 1]
        assert (shown.count("|   line"), shown.count("|   other")) == (1, 1)
