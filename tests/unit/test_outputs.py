"""What a task writes: headers kept apart, files of their own, and no more staged than the disk can hold."""

import io

import pytest

from gristmill.enums import RecordFormat
from gristmill.errors import NoSpace, Refused
from gristmill.worker.child import command
from gristmill.worker.child.segment import Made, Segment
from gristmill.worker.child.sink import Sink
from tests.unit.test_seams import rules


@pytest.mark.parametrize("step", [1, 3, 100])
def test_a_header_is_kept_apart_and_not_counted(step):
    file = io.BytesIO()
    sink = Sink(file, rules(RecordFormat.CSV, has_header=True), 0)
    body = b'"a\nb",c\n1,2\n"3\n",4\n'
    for place in range(0, len(body), step):
        sink.write(body[place : place + step])
    sink.finish()
    assert (sink.header, file.getvalue()) == ('"a\nb",c\n', b'1,2\n"3\n",4\n')
    assert (sink.records, sink.size) == (2, 11)


def test_an_output_that_is_a_header_without_end_is_a_header():
    file = io.BytesIO()
    sink = Sink(file, rules(has_header=True), 0)
    sink.write(b"name")
    sink.finish()
    assert (sink.header, file.getvalue(), sink.records) == ("name\n", b"", 0)


def test_a_task_with_another_header_is_refused():
    segment = Segment(0)
    segment.add(1, 1, {"": Made(1, 1, "a\n")})
    with pytest.raises(Refused, match=r"header 'b\\n' differs from that of the tasks before it, 'a\\n'"):
        segment.add(1, 1, {"": Made(1, 1, "b\n")})
    assert segment.end == 1


def test_nothing_is_staged_that_the_disk_cannot_hold(tmp_path):
    command.check_space(tmp_path, 1)
    with pytest.raises(NoSpace, match=r"no space to stage the task's input: .* MiB are free\. Give each task less"):
        command.check_space(tmp_path, 2**60)
