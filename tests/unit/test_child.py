"""A child at work on a bucket in this process: what it commits, and what it must never commit."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gristmill import keys
from gristmill.chunks import index
from gristmill.chunks.cutting import keep_cut, write_index
from gristmill.enums import RecordFormat
from gristmill.formats.lines import LineCounter
from gristmill.formats.whole import OneCounter
from gristmill.runs.committed import read_committed
from gristmill.runs.cursor import Cursor
from gristmill.runs.evidence import Failure, Receipt
from gristmill.runs.pinned import read_cut, replace_object
from gristmill.task import Task
from gristmill.worker.child import trace
from gristmill.worker.child.__main__ import log_line
from gristmill.worker.child.deadline import Terminated, Termination
from gristmill.worker.child.feeds import PlainFeed
from gristmill.worker.child.job import taking_task
from gristmill.worker.child.outputs import OutputRules
from gristmill.worker.child.reasons import MORE_MEMORY, MORE_TIME
from gristmill.worker.child.runner import Runner
from gristmill.worker.child.setting import ChildSetting
from gristmill.worker.child.streams import TaskInput

RUN, STAGE, BRANCH = "0123456789abcdef", "map", "copied"
KEYS = keys.BranchKeys(RUN, STAGE, BRANCH, "f" * 16)
CUT = keys.StageKeys(RUN, STAGE, "c" * 16)


def lay_out(store, chunks):
    """Put an input of these chunks and its index into the bucket."""
    fences = [0]
    for chunk in chunks:
        fences.append(fences[-1] + len(chunk))
    source = replace_object(store, "in", b"".join(chunks))
    keep_cut(store, CUT, write_index(store, CUT, source, index.pack(fences)))


def setting(bucket, child=0, children=1, job_attempt=1):
    cursor = Cursor(RUN, STAGE, 0)
    return ChildSetting(cursor, BRANCH, KEYS.fingerprint, 0, 1, child, children, bucket, "job", job_attempt, "stream")


def runner(store, job, *, timeout=60, lines=None, termination=None, **which):
    log = (lines if lines is not None else []).append
    termination = termination or Termination()
    return Runner(
        store,
        setting(store.bucket, **which),
        read_cut(store, CUT),
        lambda end: PlainFeed(lambda start: store.open_range("in", start, end), LineCounter),
        {"": OutputRules(RecordFormat.LINES, False, False, False, False, "", True, lambda: 1)},
        taking_task(job),
        {},
        Task(0, RUN, STAGE, BRANCH, 0, store.bucket, "in", None, "own/", store=store),
        timeout,
        log,
        termination or Termination(),
    )


def copy(source, sink, parameters):
    sink.write(source.read())


def output(store, tasks):
    """Return a branch's joined outputs and the tasks that have none, by the cover that Merge would take."""
    held = read_committed(store, KEYS, tasks)
    missing = {task for span in held.missing for task in range(span.first, span.end)}
    joined = b"".join(store.read(part.segment, part.start, part.end) for part in held.slices)
    return joined, missing


def receipts(store):
    listed = store.list(KEYS.receipts)
    return [Receipt.model_validate_json(store.read(receipt.key)) for receipt in listed]


def failures(store):
    listed = store.list(KEYS.failures)
    return [Failure.model_validate_json(store.read(failure.key)) for failure in listed]


def test_many_children_share_the_tasks_and_leave_no_gap(store):
    chunks = [b"line %d\n" % i for i in range(23)]
    lay_out(store, chunks)
    for child in range(5):
        runner(store, copy, child=child, children=5).run()
    assert output(store, 23) == (b"".join(chunks), set())


def test_a_failed_task_leaves_nothing_of_its_output_and_the_ones_around_it_count(store):
    def job(source, sink, parameters):
        data = source.read()
        sink.write(b"<" + data)
        if b"BAD" in data:
            raise ValueError("the grain is wet")
        sink.write(b">")

    lay_out(store, [b"a\n", b"b\n", b"BAD\n", b"c\n"])
    child = runner(store, job)
    child.run()
    assert (child.tally.done, child.tally.failed) == (3, 1)
    assert output(store, 4) == (b"<a\n><b\n><c\n>", {2})
    (failure,) = failures(store)
    assert (failure.task, failure.reason) == (2, "ValueError: the grain is wet")
    first, own, *_, last = failure.detail.splitlines()
    assert first == "Traceback (most recent call last):"
    assert own.startswith(f'  File "{__file__}"')  # not the task loop's frames before it
    assert last == failure.reason


def test_words_that_no_utf8_can_carry_fail_their_task_alone(store, capfdbinary):
    def job(source, sink, parameters):
        if b"1" in source.read():
            raise ValueError("no file \udcff")
        sink.write(b"done")

    lay_out(store, [b"0\n", b"1\n", b"2\n"])
    lines = []
    runner(store, job, lines=lines).run()
    (failure,) = failures(store)
    assert (failure.task, failure.reason) == (1, r"ValueError: no file \udcff")
    assert r"no file \udcff" in failure.detail
    for line in lines:
        log_line(line)
    assert rb"task 1 failed: ValueError: no file \udcff" in capfdbinary.readouterr().out


def test_what_fails_before_the_job_is_reached_keeps_its_whole_traceback(monkeypatch):
    monkeypatch.setattr(trace, "_HERE", str(Path(__file__).parent))
    with pytest.raises(KeyError) as caught:
        {}["nothing"]
    assert f'File "{__file__}"' in trace.job_trace(caught.value)


def test_a_job_that_reads_too_little_shifts_no_later_task(store):
    def job(source, sink, parameters):
        sink.write(source.readline())

    lay_out(store, [b"a\nrest\n" * 1000, b"b\nrest\n", b"c\n"])
    runner(store, job).run()
    (receipt,) = receipts(store)
    assert output(store, 3) == (b"a\nb\nc\n", set())
    assert receipt.records_in == [2000, 2, 1]


def test_reading_past_the_chunk_is_its_end(store):
    def job(source, sink, parameters):
        sink.write(source.read(10**9) + b"|" + source.read() + b"|" + source.readline() + b"\n")

    lay_out(store, [b"a\n", b"b\n"])
    runner(store, job).run()
    assert output(store, 2) == (b"a\n||\nb\n||\n", set())


def test_a_task_interrupted_while_it_reads_shifts_no_later_task(store, monkeypatch):
    chunks = [bytes([65 + i]) * 3_000_000 + b"\n" for i in range(4)]
    lay_out(store, chunks)
    calls = []

    def job(source, sink, parameters):
        calls.append(None)
        if len(calls) == 2:
            interrupt_after_read(source)
        sink.write(source.read())

    def interrupt_after_read(source):
        # what a time limit does when it strikes between a read and the note of how far it came
        stream = source.raw._pull.stream
        stream.read(1234)
        raise TimeoutError("struck")

    runner(store, job).run()
    assert output(store, 4) == (chunks[0] + chunks[2] + chunks[3], {1})


def test_a_task_past_its_time_fails_and_the_next_ones_go_on(store):
    def job(source, sink, parameters):
        data = source.read()
        if b"HANG" in data:
            with contextlib.suppress(Exception):
                time.sleep(30)
        sink.write(data)

    lay_out(store, [b"a\n", b"HANG\n", b"b\n"])
    started = time.monotonic()
    child = runner(store, job, timeout=0.2)
    child.run()
    assert time.monotonic() - started < 5
    assert output(store, 3) == (b"a\nb\n", {1})
    assert [failure.reason for failure in failures(store)] == [f"ran past its time limit of 0.2 s. {MORE_TIME}"]


def pass_over(strike, source, sink):
    """Do as a job that takes whatever goes wrong with a record for the record's fault."""
    for line in source:
        try:
            if line == b"b\n":
                strike()
                time.sleep(5)
            sink.write(line)
        except:  # noqa: E722
            sink.write(b"bad\n")


def wrap(strike, source, sink):
    """Do as a library that makes all errors its own."""
    data = source.read()
    try:
        if b"b\n" in data:
            strike()
            time.sleep(5)
        sink.write(data)
    except BaseException as error:
        raise ValueError("the reader failed") from error


@pytest.mark.parametrize("job", [pass_over, wrap])
def test_a_time_limit_that_a_job_catches_is_how_its_task_ends(store, job):
    lay_out(store, [b"a\n", b"b\nc\n", b"d\n"])
    runner(store, lambda source, sink, parameters: job(lambda: None, source, sink), timeout=0.2).run()
    assert output(store, 3) == (b"a\nd\n", {1})
    assert [failure.reason for failure in failures(store)] == [f"ran past its time limit of 0.2 s. {MORE_TIME}"]


def finish_early(strike, source, sink):
    """Do as a program that handles SIGTERM itself: write what there is, and return."""
    asked_to_end = []
    signal.signal(signal.SIGTERM, lambda *_: asked_to_end.append(True))
    for line in source:
        if line == b"b\n":
            strike()
        if not asked_to_end:
            sink.write(line)


@pytest.mark.parametrize("job", [pass_over, wrap, finish_early])
def test_sigterm_that_a_job_catches_drops_its_task(store, job):
    def strike():
        os.kill(os.getpid(), signal.SIGTERM)

    lay_out(store, [b"a\n", b"b\nc\n", b"d\n"])
    before = signal.getsignal(signal.SIGTERM)
    child = runner(
        store,
        lambda source, sink, parameters: job(strike, source, sink),
        termination=Termination().listen(),
    )
    try:
        with pytest.raises(Terminated):
            child.run()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert output(store, 3) == (b"a\n", {1, 2})
    assert failures(store) == []


@pytest.mark.parametrize("job", [pass_over, wrap])
def test_ctrl_c_that_a_job_catches_ends_the_child(store, job):
    def strike():
        os.kill(os.getpid(), signal.SIGINT)

    lay_out(store, [b"a\n", b"b\nc\n", b"d\n"])
    with pytest.raises(KeyboardInterrupt):
        runner(store, lambda source, sink, parameters: job(strike, source, sink)).run()
    assert output(store, 3) == (b"a\n", {1, 2})


def test_a_job_that_calls_exit_fails_its_task_alone(store):
    def job(source, sink, parameters):
        data = source.read()
        if b"EXIT" in data:
            sys.exit(3)
        sink.write(data)

    lay_out(store, [b"a\n", b"EXIT\n", b"b\n"])
    runner(store, job).run()
    assert output(store, 3) == (b"a\nb\n", {1})
    assert [(failure.reason, failure.exit_code) for failure in failures(store)] == [
        ("the job called sys.exit(3). Return where a task is done, and raise where it is not.", 3)
    ]


class Cycle:
    def __init__(self, stream):
        self.me, self.stream = self, stream


@pytest.mark.parametrize("hold", [Cycle, [].append, lambda _stream: None])
def test_text_that_waits_in_what_a_job_put_around_its_stream_is_not_lost(store, hold):
    def job(source, sink, parameters):
        text = io.TextIOWrapper(sink, "utf-8")
        hold(text)
        text.write(source.read().decode())

    chunks = [b"a\n", b"b\n" * 9, b"c"]
    lay_out(store, chunks)
    runner(store, job).run()
    assert output(store, 3) == (b"".join(chunks), set())


def test_a_job_may_close_its_streams(store):
    def job(source, sink, parameters):
        with source, sink:
            sink.write(source.read(1))

    lay_out(store, [b"ab\n", b"cd\n"])
    runner(store, job).run()
    assert output(store, 2) == (b"ac", set())


def test_only_the_tasks_of_the_list_are_done(store):
    lay_out(store, [b"%d\n" % i for i in range(10)])
    store.put(KEYS.tasks(0), index.pack([1, 2, 7]))
    runner(store, copy, child=0, children=2).run()
    runner(store, copy, child=1, children=2).run()
    assert output(store, 10) == (b"1\n2\n7\n", {0, 3, 4, 5, 6, 8, 9})


def test_a_second_try_of_the_same_job_does_not_do_again_what_is_committed(store):
    lay_out(store, [b"%d\n" % i for i in range(6)])
    seen = []

    def job(source, sink, parameters):
        data = source.read()
        seen.append(data)
        if data == b"3\n" and len(seen) < 6:
            raise ValueError
        sink.write(data)

    runner(store, job).run()
    seen.extend([b""] * 6)
    del seen[:6]
    runner(store, job, job_attempt=2).run()
    assert [data for data in seen if data] == [b"3\n"]
    assert output(store, 6) == (b"0\n1\n2\n3\n4\n5\n", set())


def test_a_second_try_does_again_what_was_committed_with_another_segment(store):
    lay_out(store, [b"a\n", b"b\n"])
    runner(store, copy).run()
    store.put(KEYS.segment(keys.Span(0, 2)), b"trampled")
    runner(store, copy, job_attempt=2).run()
    assert output(store, 2) == (b"a\nb\n", set())


def test_a_segment_is_sealed_when_it_is_large(store, monkeypatch):
    monkeypatch.setattr("gristmill.worker.child.segment.SEGMENT_BYTES", 10)
    lay_out(store, [b"12345\n"] * 5)
    runner(store, copy).run()
    assert [(receipt.first, receipt.end) for receipt in receipts(store)] == [(0, 2), (2, 4), (4, 5)]
    assert output(store, 5) == (b"12345\n" * 5, set())


def test_sigterm_seals_what_is_done_and_drops_the_open_task(store):
    def job(source, sink, parameters):
        data = source.read()
        sink.write(data)
        if data == b"c\n":
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)

    lay_out(store, [b"a\n", b"b\n", b"c\n", b"d\n"])
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(Terminated):
            runner(store, job, termination=Termination().listen()).run()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert output(store, 4) == (b"a\nb\n", {2, 3})
    assert failures(store) == []


def test_sigterm_while_sealing_waits_until_segment_and_receipt_are_there(store, monkeypatch):
    put = store.put

    def slow(key, body):
        if "/segments/" in key:
            os.kill(os.getpid(), signal.SIGTERM)
        return put(key, body)

    monkeypatch.setattr(store, "put", slow)
    monkeypatch.setattr("gristmill.worker.child.segment.SEGMENT_BYTES", 1)
    lay_out(store, [b"a\n", b"b\n"])
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(Terminated):
            runner(store, copy, termination=Termination().listen()).run()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert output(store, 2) == (b"a\n", {1})


WATCHDOG = """
import time
from gristmill.worker.child.deadline import TimeLimit

def job():
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

with TimeLimit(0.1, grace=0.3) as limit:
    limit.call(job, lambda reason: print(reason, flush=True))
"""


def test_a_task_that_ignores_its_time_limit_ends_the_child_with_an_exit_code_of_its_own():
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", WATCHDOG], cwd=root, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (6, "ran past its time limit of 0.1 s and did not stop\n")


def test_what_is_one_record_is_not_read_for_the_sake_of_counting():
    def pull(size):
        raise AssertionError("a job that looks into a large file by itself must not pay for all of it")

    source = TaskInput(pull, OneCounter(), 10**12)
    source.finish()
    assert source.records == 1


class Raising(Exception):
    def __str__(self):
        raise self.args[0]


class Number(Exception):
    def __str__(self):
        return 5


def noted():
    error = ValueError("noted")
    error.__notes__ = 5
    return error


def recursive():
    recursive()


def hanging():
    sys.setrecursionlimit(sys.getrecursionlimit() - 5)
    os.umask(0o777)
    os.chdir("/")
    sys.stdout = None
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    raise ValueError("changed")


def raising(error):
    def work():
        raise error

    return work


EVIL = {
    "raises": (raising(Raising(RuntimeError())), "Raising: (its text cannot be had: RuntimeError)"),
    "interrupts": (raising(Raising(KeyboardInterrupt())), "Raising: (its text cannot be had: KeyboardInterrupt)"),
    "no text": (raising(Number()), "Number: (its text cannot be had: TypeError)"),
    "notes": (raising(noted()), "ValueError: noted"),
    "base": (raising(BaseException("base")), "BaseException: base"),
    "keyboard": (raising(KeyboardInterrupt()), "KeyboardInterrupt, without a message, at test_child.py, line "),
    "generator": (raising(GeneratorExit()), "GeneratorExit, without a message, at test_child.py, line "),
    "memory": (raising(MemoryError()), f"it ran out of memory. {MORE_MEMORY}"),
    "recursion": (recursive, "RecursionError: maximum recursion depth exceeded"),
    "changes": (hanging, "ValueError: changed"),
}


@pytest.mark.parametrize(("work", "reason"), EVIL.values(), ids=EVIL)
def test_whatever_a_job_raises_or_changes_fails_its_task_alone(store, work, reason):
    def job(source, sink, parameters):
        data = source.read()
        if b"EVIL" in data:
            work()
        sys.stdout.write("at work")
        sink.write(data)

    lay_out(store, [b"a\n", b"EVIL\n", b"b\n"])
    before = Path.cwd(), sys.getrecursionlimit(), os.umask(0o022)
    runner(store, job).run()
    assert (Path.cwd(), sys.getrecursionlimit(), os.umask(before[2])) == (*before[:2], 0o022)
    assert output(store, 3) == (b"a\nb\n", {1})
    (failure,) = failures(store)
    assert failure.reason.rstrip("0123456789") == reason.rstrip("0123456789")


def test_a_text_that_never_comes_is_bound_by_the_time_limit(store):
    asked = []

    class Hanging(Exception):
        def __str__(self):
            asked.append(self)
            time.sleep(30)

    def job(source, sink, parameters):
        raise Hanging

    lay_out(store, [b"a\n"])
    runner(store, job, timeout=0.2).run()
    assert [failure.reason for failure in failures(store)] == [f"ran past its time limit of 0.2 s. {MORE_TIME}"]
    assert len(asked) == 1, "its code runs on after its time"


def test_an_alarm_of_the_job_itself_is_not_called_its_time_limit(store):
    def job(source, sink, parameters):
        if source.read() == b"b\n":
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            time.sleep(10)
        sink.write(b"done\n")

    lay_out(store, [b"a\n", b"b\n", b"c\n"])
    runner(store, job, timeout=60).run()
    (failure,) = failures(store)
    assert (failure.task, failure.reason[:7]) == (1, "SIGALRM")
    assert output(store, 3) == (b"done\ndone\n", {1})


CLOSING = """
import os, sys
from pathlib import Path
from gristmill.errors import GristmillError
from gristmill.storage.folder import FolderStorage
from tests.unit.test_child import failures, lay_out, output, runner

def job(source, sink, parameters):
    data = source.read()
    if b"EVIL" in data:
        CLOSE
    print("at work", flush=True)
    sink.write(data)

folder = Path(sys.argv[1])
bucket = FolderStorage(folder, folder / "no", "no")
lay_out(bucket, [b"a\\n", b"EVIL\\n", b"b\\n"])
try:
    runner(bucket, job).run()
except GristmillError as error:
    print("ended:", str(error)[:34])
done, missing = output(bucket, 3)
print(done, sorted(missing), [failure.reason[:31] for failure in failures(bucket)], flush=True)
"""
LOST = ["ended: the job closed files that it had n", "b'' [0, 1, 2] ['the job closed files that it ha']"]


@pytest.mark.parametrize(
    ("close", "reason"),
    [
        ("sys.stdout.close()", ["b'a\\nb\\n' [1] ['ValueError: I/O operation on cl']"]),
        ("sys.stdout.close(); sys.stderr.close(); return", ["b'a\\nb\\n' [] []"]),
        ("os.close(1); os.close(2)", ["b'a\\nb\\n' [1] ['OSError: [Errno 9] Bad file des']"]),
        ("os.dup2(os.open('/dev/null', os.O_WRONLY), 1); return", ["b'a\\nb\\n' [] []"]),
        ("os.closerange(3, 100)", LOST),
    ],
)
def test_what_a_job_closes_harms_no_other_task_unseen(tmp_path, close, reason):
    root = Path(__file__).parents[2]
    words = [sys.executable, "-c", CLOSING.replace("CLOSE", close), str(tmp_path)]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True, timeout=60)
    assert [line for line in done.stdout.splitlines() if line != "at work"] == reason


OUTLIVING = """
import threading, time
from gristmill.worker.child.__main__ import leave
threading.Thread(target=time.sleep, args=(60,)).start()
leave(3)
"""


def test_a_thread_that_outlives_its_task_does_not_hold_the_container():
    root = Path(__file__).parents[2]
    code = "from gristmill.worker.child import __main__\n__main__._THREADS_SECONDS = 0.1\n" + OUTLIVING
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=20, check=False).returncode == 3


def test_a_module_that_has_closed_its_outputs_ends_with_its_own_code():
    services = Path(__file__).parents[2] / "embedded_aws/services/batch"
    code = "import sys, zygote_role; sys.stdout.close(); sys.stderr = None; zygote_role.end(3)"
    assert subprocess.run([sys.executable, "-c", code], cwd=services, timeout=20, check=False).returncode == 3
