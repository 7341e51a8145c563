"""Which reader reads which format."""

from gristmill.enums import RecordFormat
from gristmill.formats.fasta import Fasta
from gristmill.formats.fastq import Fastq
from gristmill.formats.fixed import Fixed
from gristmill.formats.lines import JsonLines, Lines
from gristmill.formats.quoted import Csv
from gristmill.formats.reader import Counter, Reader
from gristmill.formats.whole import Items, Whole
from gristmill.pipeline.model import Split
from gristmill.pipeline.parameters import Values, size_of


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
