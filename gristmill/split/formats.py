"""Which reader reads which format."""

from gristmill.enums import RecordFormat
from gristmill.pipeline.model import Split
from gristmill.pipeline.parameters import Values, size_of
from gristmill.split.fasta import Fasta
from gristmill.split.fastq import Fastq
from gristmill.split.fixed import Fixed
from gristmill.split.lines import JsonLines, Lines
from gristmill.split.quoted import Csv
from gristmill.split.reader import Counter, Reader
from gristmill.split.whole import Items, Whole


def make_reader(split: Split, parameters: Values) -> Reader:
    """Return the reader of a split."""
    match split.records:
        case RecordFormat.LINES:
            return Lines(split.header)
        case RecordFormat.CSV:
            return Csv(split.header)
        case RecordFormat.JSONL:
            return JsonLines()
        case RecordFormat.FASTA:
            return Fasta()
        case RecordFormat.FASTQ:
            return Fastq()
        case RecordFormat.FIXED:
            return Fixed(size_of(split.record_bytes, parameters) or 1, split.header_bytes)
        case RecordFormat.WHOLE | RecordFormat.ALL_PARTS:
            return Whole()
        case RecordFormat.LIST | RecordFormat.PARTS:
            return Items()


def output_counter(records: RecordFormat) -> Counter:
    """Return a counter of what a task writes."""
    return make_reader(Split(records=records), {}).counter(0)
