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
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage
from gristmill.runs.locations import frozen, result_branches, suffix
from gristmill.runs.records import RunRecord


@dataclass(frozen=True)
class OutputRules:
    """What is asked of each task's output; `tasks` counts those of the stage."""

    records: RecordFormat
    is_declared: bool  # `output_records` says so; else it is assumed
    is_joined: bool  # the outputs become one object, in order
    has_header: bool  # the first record of each is a header, which is kept once
    is_result: bool
    suffix: str  # how the name of the branch's output ends
    is_named: bool  # by `suffix`; else after the dropped file
    tasks: Callable[[], int]

    @property
    def is_text(self) -> bool:
        """Return whether its records are lines, or made of them."""
        return traits_of(self.records).is_text

    @property
    def is_gzip_result(self) -> bool:
        """Return whether the output becomes a result that is called gzip."""
        return self.is_result and says_gzip(self.suffix)

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
        says, is_seam = says_gzip(self.suffix), self.is_joined and self.is_text
        if says and not is_gzip and (self.is_result or is_seam):
            fault = f"the output is not gzip, but is to be called so: {self.suffix}"
            raise Refused([fault], "Compress it, or change `suffix` in pipeline.yaml.")
        if not is_gzip or says:
            return
        mend = f"Write it plain, or say `suffix: {self.suffix}.gz` in pipeline.yaml."
        name = self.suffix or "without any ending"
        if self.is_result and not self.is_named:
            raise Refused([f"the output is gzip, but would be called {name}, as the dropped file"], mend)
        if is_seam and self.tasks() > 1:  # else some tasks could write gzip, and others not
            raise Refused([f"the output is gzip, and is to be joined with others to what is called {name}"], mend)


def output_rules(record: RunRecord, stage: Stage, branch: Branch, tasks: Callable[[], int]) -> OutputRules:
    """Return what is asked of the outputs of a branch of a run."""
    return OutputRules(
        records=stage.records_of(branch),
        is_declared=branch.output_records is not None,
        is_joined=branch.output is OutputKind.STREAM and branch.is_merged,
        has_header=branch.merge is MergeKind.HEADER,
        is_result=branch.name in result_branches(frozen(record)),
        suffix=suffix(record, branch),
        is_named=branch.suffix is not None,
        tasks=tasks,
    )
