"""Every way in which a task fails says what went wrong and how to mend it, without names of classes of ours."""

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from gristmill import keys
from gristmill.errors import ExitCode, GristmillError, Refused
from gristmill.formats.lines import LineCounter
from gristmill.formats.reader import Malformed
from gristmill.runs.evidence import Failure
from gristmill.runs.repository import read_record
from gristmill.runs.request import read_request
from gristmill.steps.split.split import split
from gristmill.task import Task
from gristmill.worker.child.__main__ import _begin
from gristmill.worker.child.command import Endings, Program
from gristmill.worker.child.deadline import OwnAlarm, Termination, TimedOut
from gristmill.worker.child.failure import failed
from gristmill.worker.child.feeds import PlainFeed
from gristmill.worker.child.process import ProgramFailed
from gristmill.worker.child.reasons import reason_of
from gristmill.worker.child.segment import SegmentLost
from gristmill.worker.child.setting import read_setting
from gristmill.worker.command.__main__ import main as run_submitted
from tests.unit.walk import event

DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "GetObject")


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - whatever it is
        return caught


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("the grain is wet"), "ValueError: the grain is wet"),
        (AssertionError(), "AssertionError, without a message, at test_task_reasons.py, line "),
        (MemoryError(), "it ran out of memory. Raise `memory` in pipeline.yaml, or give each task less."),
        (SystemExit(0), "the job called sys.exit(0). Return where a task is done, and raise where it is not."),
        (SystemExit("no"), "the job called sys.exit('no'). Return where"),
        (
            TimedOut("ran past its time limit of 3 s"),
            "ran past its time limit of 3 s. Raise `timeout` in pipeline.yaml",
        ),
        (OwnAlarm("SIGALRM", "Set no alarm."), "SIGALRM. Set no alarm."),
        (SegmentLost("the job closed files", "Close only yours."), "the job closed files. Close only yours."),
        (Refused(["one", "two"], "Mend both."), "one; two. Mend both."),
        (Malformed(3, 12, "expected >"), "record 3, byte 12: expected >"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/disk/x"),
            "the disk is full (/disk/x). Give each task less",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full. Give each task less"),
        (DENIED, "AWS answered AccessDenied to GetObject: Access Denied"),
        (EndpointConnectionError(endpoint_url="http://x"), "AWS cannot be reached: Could not connect"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_the_reason_of_an_exception_says_what_and_how_to_mend(error: BaseException, reason: str) -> None:
    assert failed(raised(error)).reason.startswith(reason)


def our_errors(kind: type[GristmillError] = GristmillError) -> list[type[GristmillError]]:
    return [kind, *(found for below in kind.__subclasses__() for found in our_errors(below))]


@given(st.text(min_size=1))
def test_no_error_of_ours_is_told_by_its_class(text: str) -> None:
    for kind in our_errors():
        made = kind.__new__(kind)
        GristmillError.__init__(made, text, "Mend it.")
        assert reason_of(made) == str(made)


def run(words: list[str], tmp_path: Path, *, is_command: bool = True) -> ProgramFailed:
    """Return how a program fails as a task's job; it finds its output's place in OUTPUT."""
    program = Program(lambda _values: words, tmp_path, Endings(".txt", {"": ".txt"}), is_command)
    task = Task(0, "r", "s", "b", 0, "", "inputs/p/x.txt", None, "own/", store=None)  # type: ignore[arg-type]
    with pytest.raises(ProgramFailed) as caught:
        program(io.BytesIO(b"x"), io.BytesIO(), {}, task)
    return caught.value


linux = pytest.mark.skipif(sys.platform != "linux", reason="macOS has no real-time signals")
NO_FILE = "ended with exit code 0, but wrote no file to"


@pytest.mark.parametrize(
    ("script", "reason", "code"),
    [
        ("exit 3", "sh ended with exit code 3", 3),
        ("kill -KILL $$", "sh was killed by SIGKILL. Most often it is out of memory. Raise `memory` in", 137),
        ("kill -SEGV $$", "sh was killed by SIGSEGV", 139),
        pytest.param("kill -40 $$", "sh was killed by signal 40", 168, marks=linux),
        (
            "sh -c 'kill -KILL $$'",
            "sh ended with exit code 137 (it, or what it ran, was killed by SIGKILL). Most often",
            137,
        ),
        (
            "no-such-program",
            "sh ended with exit code 127. Install it, or the interpreter on its #! line, in the image",
            127,
        ),
        ("true", f"sh {NO_FILE} {{output}}. Write one file to {{output}}.", 0),
        ('mkfifo "$OUTPUT"', f"sh {NO_FILE} {{output}}. Write", 0),
        ('mkdir "$OUTPUT"', "sh ended with exit code 0, but made a folder of {output}. Write one file to {output}.", 0),
    ],
)
def test_how_a_program_failed_is_told(tmp_path: Path, script: str, reason: str, code: int) -> None:
    failure = run(["sh", "-c", f"{script}; exit $?"], tmp_path)
    assert str(failure).startswith(reason)
    assert failure.code == code


def test_what_a_script_lacks_is_told_in_its_own_words(tmp_path: Path) -> None:
    assert str(run(["sh", "-c", "true"], tmp_path, is_command=False)).startswith(
        f"the script {NO_FILE} $OUTPUT. Write one"
    )


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _file: None, "cannot be started: No such file or directory. Install it"),
        (
            lambda file: file.write_text("#!/no/such/interpreter\n"),
            "cannot be started: No such file or directory. Install it",
        ),
        (lambda file: file.write_bytes(b"\x00\x01"), "cannot be started: Exec format error. It must be executable"),
        (lambda file: file.mkdir(), "cannot be started: Permission denied. It must be executable"),
    ],
)
def test_a_program_that_cannot_be_started_says_why(tmp_path: Path, make: Callable[[Path], Any], reason: str) -> None:
    file = tmp_path / "tool"
    make(file)
    if file.exists():
        file.chmod(0o755)
    failure = run([str(file)], tmp_path)
    assert str(failure).startswith(f"{file} {reason}")
    assert "Errno" not in str(failure)


def test_an_output_that_cannot_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def refuse(path: Path, *given: Any, **named: Any) -> Any:
        if path.name == "output.txt":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, *given, **named)

    monkeypatch.setattr(Path, "open", refuse)
    failure = run(["sh", "-c", 'echo x > "$OUTPUT"'], tmp_path)
    assert str(failure) == "what sh wrote to {output} cannot be read: Permission denied. Write one file to {output}."


def test_a_child_that_cannot_begin_leaves_the_reason_with_its_first_task(
    store, claimant, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("GRISTMILL_PIPELINES", str(tmp_path))
    folder = tmp_path / "unready"
    folder.mkdir()
    branch = "      - {name: made, run: 'jobs:make'}\n"
    head = "version: 1\nname: unready\ndescription: Needs what is not there.\nstages:\n  - name: map\n"
    split_at = "    split: {records: lines, records_per_task: 1}\n    branches:\n"
    (folder / "pipeline.yaml").write_text(head + split_at + branch)
    (folder / "jobs.py").write_text("import no_such_library\n")
    claimant = type(claimant)(claimant.execution, claimant.now, [tmp_path])
    run = split(store, read_request(event(store, "inputs/unready/x", b"a\nb\nc\nd\n"), store.bucket), claimant)["run"]
    arguments = ["--run", run, "--stage", "map", "--branch", "made", "--attempt", "0", "--group", "0/1"]
    arguments += ["--fingerprint", read_record(store, run).fingerprints["made"]]
    place = {"BUCKET": store.bucket, "AWS_BATCH_JOB_ARRAY_INDEX": "1", "AWS_BATCH_JOB_ARRAY_SIZE": "2"}
    setting = read_setting(arguments, place)
    with pytest.raises(Refused):
        _begin(setting, store, tmp_path, Termination())
    failure = Failure.model_validate_json(store.read(setting.keys.failure(2, 0)))
    assert failure.reason.startswith(
        "no task of its child could begin: pipeline unready: jobs needs no_such_library, which"
    )
    assert failure.exit_code == ExitCode.REFUSED


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "the files of jobs/j/ cannot be fetched: "),
        (b"{", "jobs/j/command.json is no submitted command: Invalid JSON"),
    ],
)
def test_a_submitted_command_that_cannot_be_had_says_why(
    store, monkeypatch, capsys, body: bytes | None, why: str
) -> None:
    monkeypatch.setattr("gristmill.worker.command.__main__.make_client", lambda _service: store.client)
    if body is not None:
        store.put(keys.job_command("jobs/j/"), body)
    assert run_submitted(["jobs/j/"], {"BUCKET": store.bucket}) == ExitCode.FAILED
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(why)
    assert line.endswith((" submit it again.", "gristmill job submit."))


def test_every_signal_has_a_name_in_a_reason() -> None:
    from gristmill.worker.child.process import how_ended

    for number in range(1, signal.NSIG):
        assert how_ended(-number).startswith("was killed by ")
        assert how_ended(128 + number).startswith(
            f"ended with exit code {128 + number} (it, or what it ran, was killed"
        )
    assert how_ended(255) == "ended with exit code 255"


def test_an_input_that_became_shorter_says_so() -> None:
    chunk = PlainFeed(lambda _start: io.BytesIO(b"ab"), LineCounter).chunk(0, 2_000)
    with pytest.raises(GristmillError) as caught:
        chunk.argument().read()
    assert failed(caught.value).reason == (
        "the input ended 1,998 bytes early. It was changed or cut since the run began: drop it again."
    )


def test_the_detail_of_what_speaks_for_itself_is_the_jobs_own_place() -> None:
    def refuse() -> None:
        raise Refused(["the output is no sound fasta"])

    shown = failed(raised_by(refuse)).detail
    assert "in refuse" in shown
    assert "Refused" not in shown.replace("raise Refused", "")


def raised_by(work: Callable[[], None]) -> BaseException:
    try:
        work()
    except GristmillError as error:
        return error
    raise AssertionError
