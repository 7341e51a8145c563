"""What is asked of the outputs of a branch's tasks: how they are counted, joined and named."""

from collections.abc import Callable
from dataclasses import dataclass

from gristmill.enums import MergeKind, OutputKind, RecordFormat
from gristmill.errors import Refused
from gristmill.formats.names import says_gzip
from gristmill.formats.quotes import borders
from gristmill.formats.reader import Counter
from gristmill.formats.registry import make_reader, traits_of
from gristmill.formats.tokens import LINE_END
from gristmill.pipeline.model import Branch, Stage
from gristmill.runs.locations import frozen, result_branches, suffix
from gristmill.runs.records import RunRecord


@dataclass(frozen=True)
class OutputRules:
    """What is asked of each task's output; `tasks` counts those of the stage."""

    records: RecordFormat
    is_declared: bool  # `output_records` says so; else it is assumed
    is_joined: bool  # the outputs become one object, in order
    has_header: bool  # the first record of each is a header, which is kept once
    suffix: str  # how the name ends that the output gets, if it becomes a result
    is_named: bool  # by `suffix` or for no result; else after the dropped file
    tasks: Callable[[], int]

    @property
    def is_text(self) -> bool:
        """Return whether its records are lines, or made of them."""
        return traits_of(self.records).is_text

    def counter(self) -> Counter:
        """Return a counter of an output's records."""
        return make_reader(self.records).counter(0)

    def first_record(self, block: bytes) -> int:
        """Return where the first record ends, 0 where it is not whole."""
        if self.records is RecordFormat.CSV:
            return next(borders(block, False), 0)
        return block.find(LINE_END) + 1

    def check_name(self, *, is_gzip: bool) -> None:
        """Refuse an output that is not what its name will say."""
        says = says_gzip(self.suffix)
        if says and not is_gzip:
            fault = f"the output is not gzip, but is to be called so: {self.suffix}"
            raise Refused([fault], "Compress it, or change `suffix` in pipeline.yaml.")
        if is_gzip and not says and not self.is_named:
            fault = (
                f"the output is gzip, but would be called {self.suffix or 'without any ending'}, as the dropped file"
            )
            raise Refused([fault], f"Write it plain, or say `suffix: {self.suffix}.gz` in pipeline.yaml.")


def output_rules(record: RunRecord, stage: Stage, branch: Branch, tasks: Callable[[], int]) -> OutputRules:
    """Return what is asked of the outputs of a branch of a run."""
    is_result = branch.name in result_branches(frozen(record))
    return OutputRules(
        records=stage.records_of(branch),
        is_declared=branch.output_records is not None,
        is_joined=branch.output is OutputKind.STREAM and branch.is_merged,
        has_header=branch.merge is MergeKind.HEADER,
        suffix=suffix(record, branch) if is_result else "",
        is_named=branch.suffix is not None or not is_result,
        tasks=tasks,
    )
