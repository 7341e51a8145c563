"""Keep which tasks a stage has left out: their list, and how many in the run's record, so that nothing hides them."""

import logging
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from gristmill import keys
from gristmill.chunks import index
from gristmill.enums import Encoding
from gristmill.errors import Corrupt
from gristmill.formats.registry import traits_of
from gristmill.pipeline.stage import Stage
from gristmill.runs.at_work import check_fence, check_owner
from gristmill.runs.coverage import Coverage
from gristmill.runs.evidence import Failure
from gristmill.runs.fingerprints import with_left_out
from gristmill.runs.left_out import digest_of, read_left_out
from gristmill.runs.pinned import StageCut
from gristmill.runs.records import LeftOut, RunRecord
from gristmill.runs.repository import revise_record
from gristmill.storage import Storage

logger = logging.getLogger(__name__)
_READERS = 16


@dataclass(frozen=True)
class LeftOutTasks:
    """The tasks that a branch leaves out: their failures, and the bytes and records that they were to read."""

    failures: Sequence[Failure] = ()
    size: int = 0
    records: int = 0


NOTHING_LEFT_OUT = LeftOutTasks()


def measure_left_out(
    store: Storage, stage: Stage, cut: StageCut, held: Coverage, failures: Sequence[Failure]
) -> LeftOutTasks:
    """Return the tasks that a branch leaves out, the missing ones, with their places in the stage's input."""
    records = sum(failure.records or 0 for failure in failures)
    if traits_of(stage.split.records).is_items:
        return LeftOutTasks(failures, 0, records)

    def values(span: keys.Span) -> list[tuple[int, int]]:
        return list(pairwise(index.read_values(store, cut.index, span.first, span.end + 1)))

    places = [place for found in store.together(values, held.missing, _READERS) for place in found]
    size = sum(index.stored(cut.encoding, *place) for place in places)
    if cut.encoding is Encoding.PLAIN:
        pairs = zip(failures, places, strict=True)
        failures = [failure.model_copy(update={"start": start, "end": end}) for failure, (start, end) in pairs]
    return LeftOutTasks(failures, size, records)


def keep_left_out(
    store: Storage, record: RunRecord, stage: Stage, tasks: int, found: Mapping[str, LeftOutTasks]
) -> dict[str, LeftOut]:
    """Record the tasks that branches of a stage have left out, or no longer do; return those of all branches.

    The list is written first: the record, which only the run's owner may change, says what is to be in it.
    """
    others = {name: left for name, left in record.left_out.items() if name not in found}
    fresh = {name: _counted(left.failures, tasks) for name, left in found.items() if left.failures}
    wanted = others | fresh
    if not wanted and not record.left_out and not _is_listed(store, record.run, stage):
        return wanted
    lines = [*_listed(store, record.run, others), *(failure for left in found.values() for failure in left.failures)]
    body = "".join(f"{failure.model_dump_json()}\n" for failure in lines).encode()
    store.put_checked(keys.left_out(record.run), body, partial(check_owner, store, record))

    def change(current: RunRecord) -> RunRecord:
        check_fence(current, record.fence)
        return with_left_out(current, wanted, stage) if current.left_out != wanted else current

    return revise_record(store, record.run, change).left_out


def _is_listed(store: Storage, run: str, stage: Stage) -> bool:
    """Return whether a list stands all the same: of a try that broke off before it could change the record."""
    there = store.head(keys.left_out(run)) if any(branch.tolerate for branch in stage.branches) else None
    return there is not None and there.size > 0


def _listed(store: Storage, run: str, branches: Container[str]) -> list[Failure]:
    """Return what stands of branches in a list; one that cannot be read is made anew, stage by stage."""
    try:
        return [failure for failure in read_left_out(store, run) if failure.branch in branches]
    except Corrupt as error:
        logger.warning("made anew: %s", error)
        return []


def _counted(failures: Sequence[Failure], tasks: int) -> LeftOut:
    numbers = [failure.task for failure in failures if failure.task is not None]
    return LeftOut(count=len(numbers), tasks=tasks, digest=digest_of(numbers))
