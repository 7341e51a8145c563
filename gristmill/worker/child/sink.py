"""The stream that a job writes: counted as it passes, whole records at its end, and what its name will say."""

import io
import os
from pathlib import Path
from typing import IO, Any

from gristmill.enums import RecordFormat
from gristmill.errors import GristmillError, Refused
from gristmill.formats.names import GZIP_MAGIC
from gristmill.formats.reader import Malformed
from gristmill.limits import HEADER_MAX, MIB
from gristmill.worker.child.outputs import OutputRules
from gristmill.worker.child.record_end import Inflater, RecordEnd, gzip_member

_MARK = b"\xef\xbb\xbf"  # UTF-8's byte order mark
_MARKED = (RecordFormat.LINES, RecordFormat.CSV)  # readers of these take a mark
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # those of UTF-16 and UTF-32
_HEAD = 3  # bytes that show what an output is


def count_records(made: Path, rules: OutputRules) -> int:
    """Return the records of a file that is a branch's only output; Refused where it is not what it must be."""
    with made.open("rb") as file, Path(os.devnull).open("wb") as nowhere:
        sink = Sink(nowhere, rules, 0)
        while block := file.read(MIB):
            sink.write(block)
            if not rules.is_text:  # one record, whatever follows
                break
        sink.finish()
    return sink.records


class Sink(io.RawIOBase):
    """Appends the output of task `task` to an open file until it is cut off; counts its records and bytes.

    The records are those that a reader finds: of gzip, in what it holds. `header` is the first record, kept apart,
    where the branch's outputs have one.
    """

    def __init__(self, file: IO[bytes], rules: OutputRules, task: int) -> None:
        super().__init__()
        self._file: IO[bytes] | None = file
        self._rules, self._task = rules, task
        self._counter = rules.counter()
        self._end = RecordEnd()
        self._inflater: Inflater | None = None
        self._fault: GristmillError | None = None
        self._head: bytes | None = b""  # what waits until it shows what the output is; None once it has
        self._begun: bytes | None = b"" if rules.has_header else None  # of the header, until that is whole
        self.header = ""
        self.size = 0

    @property
    def records(self) -> int:
        """Return how many records were written, an unfinished last one included."""
        return self._counter.records

    def writable(self) -> bool:
        """Return that it can be written."""
        return True

    def write(self, data: Any) -> int:
        """Append all of `data`; Refused where it is not what the branch's outputs must be."""
        block = bytes(data)
        if block and self._file:
            self._guard(lambda: self._take(block))
        return len(block)

    def finish(self) -> None:
        """Take the end: whole records, and at a seam an end of the last one. Refused, too, for what `write` refused."""
        self._guard(self._finish)

    def cut_off(self) -> None:
        """Drop further writes: a failed job's buffer is flushed whenever Python comes to delete it."""
        self._file = None

    def _guard(self, step: Any) -> None:
        """Do a step; what is wrong with the output stays so, whatever a job makes of the exception."""
        if self._fault:
            raise self._fault
        try:
            step()
        except Malformed as error:
            self._fault = Refused([f"the output is no sound {self._rules.records}: {error}"])
            raise self._fault from error
        except GristmillError as error:
            self._fault = error
            raise

    def _finish(self) -> None:
        if self._head:
            self._begin(self._head)
        if self._begun:
            self._keep_header(self._begun)
        if self._inflater:
            self._inflater.finish()
        self._counter.close()
        if not self.size and self._rules.is_gzip_result:
            self._append(gzip_member(b""))  # no bytes at all are no gzip
        missing = self._end.missing() if self._rules.is_text and self.size else b""
        if missing and self._is_completed():
            self._append(gzip_member(missing) if self._inflater else missing)

    def _take(self, block: bytes) -> None:
        if self._head is None:
            self._pass(block)
            return
        self._head += block
        if len(self._head) >= _HEAD:
            self._begin(self._head)

    def _begin(self, head: bytes) -> None:
        """Look at how the output begins, then let it pass."""
        self._head = None
        rules, is_gzip = self._rules, head.startswith(GZIP_MAGIC)
        if is_gzip and rules.has_header:
            raise Refused(["the output is gzip; its header cannot be kept once"], "Write it plain, or merge: concat.")
        rules.check_name(is_gzip=is_gzip)
        if rules.is_text and is_gzip:
            self._inflater = Inflater(self._count)
        if rules.is_text and rules.is_declared and head.startswith(_WIDE):
            raise Refused(
                [f"the output is UTF-16 or UTF-32, not {rules.records} as output_records says"], "Write UTF-8."
            )
        self._pass(self._behind_mark(head) if rules.is_text and head.startswith(_MARK) else head)

    def _behind_mark(self, head: bytes) -> bytes:
        """Take a byte order mark, which is of no record, and stands where a file begins alone; return what follows."""
        rules = self._rules
        if rules.is_declared and rules.records not in _MARKED:
            fault = f"the output begins with a byte order mark (BOM), which {rules.records} does not have"
            raise Refused([fault], "Write UTF-8 without it: in Python utf-8, not utf-8-sig.")
        if rules.has_header:
            return head
        if not (rules.is_joined and self._task):
            self._append(_MARK)
        return head.removeprefix(_MARK)

    def _pass(self, block: bytes) -> None:
        if self._begun is not None:
            block = self._behind_header(block)
        if block:
            self._append(block)
            (self._inflater.feed if self._inflater else self._count)(block)

    def _append(self, block: bytes) -> None:
        if self._file:
            self._file.write(block)
            self.size += len(block)

    def _count(self, data: bytes) -> None:
        self._counter.feed(data)
        if self._rules.is_text:
            self._end.feed(data)

    def _behind_header(self, block: bytes) -> bytes:
        """Hold bytes back until the first record is whole; return what is behind it."""
        self._begun = (self._begun or b"") + block
        end = self._rules.first_record(self._begun)
        if not end and len(self._begun) > HEADER_MAX:
            fault = f"the output has no header: its first record has no end within {HEADER_MAX:,} bytes"
            raise Refused([fault], "Write a header line first, and close each quote in it; or merge: concat.")
        if not end:
            return b""
        rest = self._begun[end:]
        self._keep_header(self._begun[:end])
        return rest

    def _keep_header(self, header: bytes) -> None:
        self._begun = None
        counter = self._rules.counter()
        counter.feed(header.removeprefix(_MARK))
        counter.close()
        self._end.feed(header)
        self.header = (header + self._end.missing()).decode("latin-1")  # any bytes, and the same back

    def _is_completed(self) -> bool:
        """Return whether the last record gets the end that it lacks; Refused where that might break the output."""
        rules = self._rules
        is_seam = rules.is_joined and self._task < rules.tasks() - 1
        if is_seam and not rules.is_declared and not self._end.is_text():
            fault = "the output neither ends in a line end nor is text, and the next task's would be glued to it"
            raise Refused([fault], "Say `output_records: whole` in pipeline.yaml where it is to be joined as it is.")
        return is_seam
