"""Jobs that go wrong: the others finish, only what is missing is done again, the end is bounded, the cause is told.

All files are dropped first and run side by side; each test then looks at its own.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from gristmill import keys
from gristmill.chunks import index
from gristmill.runs.pinned import ObjectVersion
from gristmill.storage.s3 import S3Storage
from tests.integration.mill import Mill

GOOD = [b"one", b"two", b"three", b"four", b"five"]
TEXT = b"".join(line + b"\n" for line in [*GOOD[:3], b"BAD", *GOOD[3:]])
TASKS, BAD = 6, 3
ATTEMPTS = 3  # of the pipeline `trouble`

# mode -> times that the bad task is tried until it works
MENDS = {"twice": 3, "kill": 2, "write-then-die": 2, "stubborn": 2}
# mode -> what the mail must say of its last attempt
FAILS = {
    "always": (
        "task 3 (bytes 14 to 17 of its stage's input), attempt 3: ValueError: the grain is wet",
        "    | ValueError: the grain is wet",
    ),
    "exit": ("attempt 3, exit code 3: the job called sys.exit(3). Return where",),
    "hang": ("attempt 3: ran past its time limit of 3 s",),
    "kill-always": ("a child, attempt 3, exit code 137: ", "killed by SIGKILL", "    | about to fall off"),
}


@dataclass(frozen=True)
class Case:
    run: str
    marks: Path

    @property
    def tries(self) -> int:
        return len(list(self.marks.iterdir()))


@pytest.fixture(scope="module")
def cases(mill: Mill, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """Drop a file for every mode."""

    def drop(mode: str) -> Case:
        marks = tmp_path_factory.mktemp(mode)
        return Case(mill.drop("trouble", f"{mode}.txt", TEXT, mode=mode, marks=str(marks)), marks)

    return {mode: drop(mode) for mode in [*FAILS, *MENDS, "lose", "refuse"]}


@pytest.mark.parametrize("mode", MENDS)
def test_a_task_that_fails_at_first_is_done_again_and_nothing_else_is(mill: Mill, cases: dict[str, Case], mode: str):
    run, wanted = cases[mode].run, MENDS[mode]
    assert mill.finish(run)["status"] == "SUCCEEDED"
    assert mill.read(keys.result("trouble", f"{mode}.txt", run, "copied.txt")) == TEXT
    assert cases[mode].tries == wanted
    retrying = [mail for mail in mill.mails(run) if " RETRYING " in mail["Subject"]]
    assert len(retrying) == 1  # however often the stage is tried again
    letter = retrying[0].get_content()
    assert "So far    " in letter
    assert "Ended" not in letter
    for attempt in range(1, wanted):
        assert set(todo(mill, run, attempt)) <= set(missing(mill, run, attempt))


@pytest.mark.parametrize("mode", FAILS)
def test_a_task_that_always_fails_ends_the_run_after_its_attempts_and_says_why(
    mill: Mill, cases: dict[str, Case], mode: str
):
    run = cases[mode].run
    assert mill.finish(run)["status"] == "FAILED"
    assert cases[mode].tries == ATTEMPTS
    finding = mill.read_json(keys.check(run, "copy", ATTEMPTS - 1))["branches"][0]
    assert (finding["done"], finding["missing"]) == (TASKS - 1, 1)
    assert todo(mill, run, ATTEMPTS - 1) == [BAD]
    letter = mill.mail(run, "FAILED").get_content()
    for words in (*FAILS[mode], "copied: 1 of 6 tasks have no output", f"gristmill resume {run}"):
        assert words in letter
    assert mill.results("trouble", f"{mode}.txt", run) == []
    assert [mail["Subject"].split()[1] for mail in mill.mails(run)] == ["RETRYING", "FAILED"]


def test_a_task_that_refuses_its_input_is_not_tried_again_and_the_mail_says_so(mill: Mill, cases: dict[str, Case]):
    run = cases["refuse"].run
    assert mill.finish(run)["status"] == "FAILED"
    assert cases["refuse"].tries == 1
    finding = mill.read_json(keys.check(run, "copy", 0))["branches"][0]
    assert (finding["done"], finding["missing"]) == (TASKS - 1, 1)
    (letter,) = mill.mails(run)  # of the end: nothing is tried again
    assert letter["Subject"].split()[1] == "FAILED"
    text = letter.get_content()
    why = "the grain is barley, not wheat. Grind wheat."
    assert f"copied: 1 of 6 tasks have no output (refused, and so not tried again: {why})" in text
    assert f"task 3 (bytes 14 to 17 of its stage's input), attempt 1, refused: {why}" in text
    assert f"gristmill resume {run}" in text


def test_attempts_count_from_one_in_each_line_of_the_log(mill: Mill, cases: dict[str, Case]):
    run = cases["always"].run
    mill.finish(run)
    lines = [line for line in mill.log(run) if line.startswith(f"{run} copy/copied attempt ")]
    assert {line.split()[3] for line in lines if ": end: " in line} == {"1:", "2:", "3:"}


def test_a_job_that_loses_a_record_and_says_nothing_is_found_out(mill: Mill, cases: dict[str, Case]):
    run = cases["lose"].run
    outcome = mill.finish(run)
    assert outcome["status"] == "FAILED"
    why = "it wrote 5 records for 6 read, and must write as many (or say same_record_count: false in pipeline.yaml)"
    assert outcome["reason"] == f"copied: {why}"
    assert f"kept: gristmill results {run}" in mill.mail(run, "FAILED").get_content()  # a resume would change nothing


def test_a_job_that_fits_no_machine_says_so_and_does_not_hang(mill: Mill):
    run = mill.drop("giant", "giant.txt", b"x\n")
    assert mill.finish(run, 60)["status"] == "FAILED"
    letter = mill.mail(run, "FAILED").get_content()
    assert "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT" in letter
    assert "MiB of memory" in letter
    (job,) = mill.jobs(run)  # not tried again: that would be in vain
    assert job["status"] == "FAILED"


def todo(mill: Mill, run: str, attempt: int) -> list[int]:
    """Return the tasks that an attempt was given."""
    store, key = S3Storage(mill.bucket, mill.client("s3")), mill.place(run, "copy", "copied").tasks(attempt)
    found = store.head(key)
    if found is None:
        return list(range(TASKS))
    file = ObjectVersion.of(found)
    return list(index.read_values(store, file, 0, index.read_header(store, file).values))


def missing(mill: Mill, run: str, attempt: int) -> list[int]:
    """Return the tasks that no receipt of an earlier attempt commits."""
    receipts = [mill.read_json(key) for key in mill.keys(mill.place(run, "copy", "copied").receipts)]
    held = [range(receipt["first"], receipt["end"]) for receipt in receipts if receipt["attempt"] < attempt]
    return [task for task in range(TASKS) if not any(task in span for span in held)]


def test_a_job_definition_that_is_not_registered_is_refused_before_anything_runs(mill: Mill):
    run = mill.drop("undefined", "two.txt", b"one\ntwo\n")
    assert mill.finish(run)["status"] == "FAILED"
    letter = mill.mail(run, "FAILED").get_content()
    assert "job definition no-such-definition is not registered" in " ".join(letter.split())
    assert [mail for mail in mill.mails(run) if " RETRYING " in mail["Subject"]] == []
