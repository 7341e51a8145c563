"""Reasons of a run's end: each says what is wrong, where, and how to go on, and none by the name of a class of ours."""

import ast
import builtins
from collections.abc import Iterator

import pytest

from gristmill.enums import Encoding, RunStatus
from gristmill.keys import Span
from gristmill.outcome.wording import describe_error, ended, next_step
from gristmill.runs.coverage import Coverage, Slice
from gristmill.steps.check_output.causes import explain
from gristmill.steps.check_output.verdict import Expected, count_failure
from tests.project import PROJECT

RUN = "0123456789abcdef"
MEND = "Mend this, then go on with only what is missing (if you mended the pipeline: --with-changes)"
VAIN = "A resume as it was would find the same outputs and end the same way: "


def our_errors() -> Iterator[str]:
    """Yield the names of the errors that the code declares as its users'."""
    found: dict[str, set[str]] = {}
    for file in (PROJECT / "gristmill").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, set()).update(ast.unparse(base) for base in node.bases)
    ours, known = {"GristmillError"}, 0
    while len(ours) > known:
        known = len(ours)
        ours |= {name for name, bases in found.items() if bases & ours}
    yield from ours - {"GristmillError"}  # which is never raised itself


@pytest.mark.parametrize("name", sorted(our_errors()))
def test_an_error_of_ours_is_its_message(name):
    assert describe_error(name, "the grain is wet") == "the grain is wet"


@pytest.mark.parametrize(
    "name",
    sorted(name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)),
)
def test_an_error_of_python_is_called_unexpected(name):
    if name not in ("StopIteration", "Exception"):
        assert describe_error(name, "x") == f"an unexpected error ({name}: x); the log has its trace"


@pytest.mark.parametrize(
    ("name", "message", "reason"),
    [
        ("Sandbox.Timedout", f"2026-11-26T05:24:20.123Z {'1' * 36} Task timed out after 5.00 seconds",
         "the function ran past its time limit (Sandbox.Timedout: Task timed out after 5.00 seconds)"),
        ("Runtime.ExitError", "RequestId: 1-2 Error: Runtime exited with error: signal: killed",
         "the function's process died (Runtime.ExitError: Runtime exited with error: signal: killed)"),
        ("States.Timeout", "", "it ran past its time limit (States.Timeout)"),
        ("KeyError", "'x'", "an unexpected error (KeyError: 'x'); the log has its trace"),
    ],
)  # fmt: skip
def test_an_error_of_aws_is_put_into_words(name, message, reason):
    assert describe_error(name, message) == reason


def covered(headers=("", ""), bytes_in=4, records_in=2, records_out=2) -> Coverage:
    halves = [(place, header) for place, header in enumerate(headers)]
    return Coverage(
        [
            Slice(Span(place, place + 1), "s", 0, 4, bytes_in // 2, records_in // 2, records_out // 2, header)
            for place, header in halves
        ],
        [],
    )


@pytest.mark.parametrize(
    ("held", "expected", "reason"),
    [
        (covered(), Expected(2, 4, 2, Encoding.PLAIN), None),
        (covered(headers=("mühle\n".encode().decode("latin-1"), "b\x1b\n")), Expected(2, 4, 2, Encoding.PLAIN),
         r"its tasks wrote different headers, such as 'b\x1b\n' and 'mühle\n': each must write the same"),
        (covered(bytes_in=4000), Expected(2, 5000, None, Encoding.PLAIN),
         "its tasks read 4,000 bytes, but the input has 5,000: their receipts are wrong, or parts of them lost"),
        (covered(records_in=2), Expected(2, None, 3, Encoding.PLAIN),
         "its tasks read 2 records, but the split counted 3: their receipts are wrong, or parts of them lost"),
        (covered(records_out=0), Expected(2, None, 2, Encoding.PLAIN),
         "it wrote 0 records for 2 read, and must write as many (or say same_record_count: false in pipeline.yaml)"),
        (covered(records_out=0), Expected(2, None, 2, Encoding.PLAIN, has_rows=True),
         "it wrote 0 records for 2 read, and must write as many; a blank line is a row, too, which csv.DictReader and "
         "pandas leave out (or say same_record_count: false in pipeline.yaml)"),
    ],
)  # fmt: skip
def test_a_count_that_disagrees_is_told_with_both_numbers_and_the_mend(held, expected, reason):
    assert count_failure(held, expected, counts_match=True) == reason


@pytest.mark.parametrize(
    ("exit_code", "reason", "status_reason", "options"),
    [
        (137, None, None, "killed by SIGKILL (exit code 137); perhaps out of memory: give the branch more `memory`"),
        (None, None, "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
         "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT; no host of its queue has the vCPUs, memory or GPUs that it asks "
         "for: ask for less in pipeline.yaml"),
        (None, None, None, "the job failed and gave no reason"),
    ],
)  # fmt: skip
def test_the_death_of_a_job_is_told_with_its_mend(exit_code, reason, status_reason, options):
    assert explain(exit_code, reason, status_reason) == options


@pytest.mark.parametrize(
    ("status", "is_refused", "is_final", "reason"),
    [
        (RunStatus.FAILED, True, False, "Mend this, and drop the file again."),
        (RunStatus.FAILED, False, False, f"{MEND}: gristmill resume {RUN}"),
        (RunStatus.ABORTED, False, False, f"Go on with only what is missing: gristmill resume {RUN}"),
        (RunStatus.FAILED, False, True,
         f"{VAIN}mend the pipeline, and resume --with-changes; or the file or its parameters, and drop it again. "
         f"What was computed is kept: gristmill results {RUN}"),
    ],
)  # fmt: skip
def test_the_next_step_is_what_helps(status, is_refused, is_final, reason):
    assert str(next_step(RUN, status, is_refused, is_final)) == reason


def test_only_a_success_is_told_with_its_warnings():
    assert [ended(RunStatus.SUCCEEDED, count) for count in (0, 1, 2)] == [
        "SUCCEEDED", "SUCCEEDED with 1 warning", "SUCCEEDED with 2 warnings",
    ]  # fmt: skip
    assert ended(RunStatus.FAILED, 2) == "FAILED"
