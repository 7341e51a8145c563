"""What comes once a run or a stage: the requests of functions, and inputs beside the file that is cut."""

from dataclasses import dataclass

from gristmill.cost.bill import Usage
from gristmill.pipeline.inputs import mates_input
from gristmill.pipeline.model import Pipeline

# Requests, writes and reads, beside those of branches, and the sign and the two looks of each invocation:
# Split's listing of stops, look for a push, code, record, estimate, outcome; Notify's listings, record, report, outcome
_OF_A_RUN = (12, 17)
_OF_A_STAGE = (5, 16)  # its index, what that is of, its finding; what JobMap and CheckOutput read, and Notify twice
# Write units of a run's row in the catalogue and in each index that it lies in; in one of them a new status moves it
_ENTERED, _ENDED = 1 + 4, 1 + 3 + 2
_OF_A_PAIR = (1, 6)  # the index of the mates; its HEAD, their head, beginning and content, and both first names


def invocation_usage(invocations: int) -> Usage:
    """Return the requests of functions beside their work: each marks itself as at work, and checks twice for a stop."""
    return Usage(s3_write=invocations, s3_read=2 * invocations)


@dataclass(frozen=True)
class MoreInputs:
    """What a run reads beside the file that is cut: how many inputs, stages that cut pairs, and branches of those; and
    how many runs it starts.
    """

    count: int = 0
    pairs: int = 0
    paired: frozenset[str] = frozenset()
    chains: int = 0
    cached: frozenset[str] = frozenset()  # branches that other runs may reuse


NO_MORE = MoreInputs()


def more_inputs(pipeline: Pipeline) -> MoreInputs:
    """Return what a run of a pipeline reads beside the file that is cut."""
    has_mates = mates_input(pipeline.inputs) is not None
    cutting = [stage for stage in pipeline.stages if has_mates and stage.reads is None]
    paired = frozenset(branch.name for stage in cutting for branch in stage.branches)
    cached = frozenset(branch.name for branch in pipeline.branches if pipeline.caches(branch))
    return MoreInputs(max(0, len(pipeline.inputs) - 1), len(cutting), paired, len(pipeline.then), cached)


def run_usage(stages: int, checked: int, more: MoreInputs) -> Usage:
    """Return the requests of functions that come once a run, or once a stage, whatever its branches do.

    Cutting a stage by bytes takes a read near each cut more. The results of earlier stages, most often of one branch,
    are looked for once more at the end. Figures of `checked` branches are looked for and read. More inputs are looked
    at; a stage of pairs cuts the mates, too, and looks at the first of both. A run that is started takes a note, and a
    look at its result and at that note.
    """
    writes, reads = (once + stages * each for once, each in zip(_OF_A_RUN, _OF_A_STAGE, strict=True))
    reads += 2 * checked + 2 * max(0, stages - 1) + more.count + _OF_A_PAIR[1] * more.pairs
    writes += _OF_A_PAIR[0] * more.pairs + more.chains
    reads += 2 * more.chains
    return Usage(s3_write=writes, s3_read=reads, table_write=_ENTERED + _ENDED)
