"""Choose how a branch's outputs are counted, and whether their header is kept apart."""

from collections.abc import Callable
from typing import IO

from gristmill.enums import MergeKind, OutputKind, RecordFormat
from gristmill.formats.quotes import borders
from gristmill.formats.registry import make_reader
from gristmill.formats.tokens import LINE_END
from gristmill.pipeline.model import Branch
from gristmill.worker.child.streams import Sink


def sink_maker(branch: Branch) -> Callable[[IO[bytes]], Sink]:
    """Return what makes the sink of each task's output."""
    records = RecordFormat.WHOLE if branch.output is OutputKind.FILES else branch.output_records
    first = _first_record(records) if branch.merge is MergeKind.HEADER else None
    return lambda file: Sink(file, make_reader(records).counter(0), first)


def _first_record(records: RecordFormat) -> Callable[[bytes], int]:
    """Return what finds the end of the first record, 0 where it is not whole."""
    if records is RecordFormat.CSV:
        return lambda block: next(borders(block, False), 0)
    return lambda block: block.find(LINE_END) + 1
