"""Tasks that a run leaves out, as its pipeline tolerates: which these may be, and which they are."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain

from pydantic import ValidationError

from gristmill import keys
from gristmill.errors import Corrupt
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.tolerance import tolerated
from gristmill.runs.coverage import Coverage
from gristmill.runs.cursor import nth_attempt
from gristmill.runs.evidence import Failure
from gristmill.runs.reading import find_readable
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage

_READERS = 16


def find_left_out(
    store: Storage, place: keys.BranchKeys, branch: Branch, held: Coverage, attempt: int
) -> list[Failure] | None:
    """Return the failures of a branch's missing tasks where all of them may be left out; None where one may not.

    Each must have failed in this very attempt by an error of its own, its records counted; and no other attempt is to
    come, or would end alike. What a lost host, a killed container or a refused job has left undone has no such failure.
    """
    missing = list(task_numbers(held.missing))
    if len(missing) > tolerated(branch, held.tasks):
        return None
    wanted = [place.failure(task, attempt) for task in missing]
    found = store.together(lambda key: find_readable(store, Failure, key), wanted, _READERS)
    is_last = nth_attempt(attempt) >= branch.attempts
    failures = [failure for failure in found if failure and failure.records is not None]
    own = [failure for failure in failures if is_last or failure.refused]
    same = [failure.task for failure in own] == missing
    return own if same and all(failure.attempt == attempt for failure in own) else None


def task_numbers(spans: Iterable[keys.Span]) -> Iterator[int]:
    """Yield the tasks of spans."""
    return chain.from_iterable(range(span.first, span.end) for span in spans)


def digest_of(tasks: Iterable[int]) -> str:
    """Return a digest of the numbers of tasks."""
    return hashlib.sha256(",".join(map(str, tasks)).encode()).hexdigest()[:16]


def read_left_out(store: Storage, run: str) -> list[Failure]:
    """Return the failures of all tasks that a run has left out; Corrupt where their list cannot be read."""
    raw = store.find(keys.left_out(run)) or b""
    try:
        return [Failure.model_validate_json(line) for line in raw.splitlines()]
    except ValidationError as error:
        raise Corrupt(f"{keys.left_out(run)} cannot be read", f"Make it again with: gristmill resume {run}") from error


def tasks_left_out(store: Storage, record: RunRecord, branch: str) -> frozenset[int]:
    """Return the tasks that a branch has left out, as CheckOutput found it; Corrupt where their list is another."""
    branch = branch.partition(".")[0]  # its outputs lack the same tasks
    known = record.left_out.get(branch)
    if known is None:
        return frozenset()
    tasks = [failure.task for failure in read_left_out(store, record.run) if failure.branch == branch]
    numbers = [task for task in tasks if task is not None]
    if digest_of(numbers) != known.digest:
        again = f"Make it again with: gristmill resume {record.run}"
        raise Corrupt(f"{keys.left_out(record.run)} has other tasks of {branch} than were left out", again)
    return frozenset(numbers)
