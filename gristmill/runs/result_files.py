"""What a run has published: objects, and of a branch that makes files their names."""

from collections.abc import Iterable, Iterator

from gristmill import keys
from gristmill.enums import OutputKind
from gristmill.pipeline.branch import Branch
from gristmill.runs.locations import branch_keys, find_branch, frozen, output_key, result_branches, suffix
from gristmill.runs.pinned import ObjectVersion, Published, find_published
from gristmill.runs.records import RunRecord
from gristmill.storage import ObjectInfo, Storage

LISTING = "files.csv"
FINGERPRINT = "gristmill-fingerprint"


def metadata_of(place: keys.BranchKeys) -> dict[str, str]:
    """Return what every merged object says of itself."""
    return {"gristmill-run": place.run, FINGERPRINT: place.fingerprint}


def file_name(record: RunRecord, branch: Branch, task: int) -> str:
    """Return what the file of a task is called, in its branch's folder."""
    return f"{keys.task_name(task)}{suffix(record, branch)}"


def listing_key(record: RunRecord, branch: Branch) -> str:
    """Return the key of a branch's list of files."""
    return f"{output_key(record, branch.name)}{LISTING}"


def files_of(record: RunRecord, branch: Branch, made: Published) -> Iterator[str]:
    """Yield the keys of the files that were published of a branch, their list last."""
    folder, left_out = output_key(record, branch.name), frozenset(made.left_out)
    done = (task for task in range(made.tasks) if task not in left_out)
    yield from (f"{folder}{file_name(record, branch, task)}" for task in done)
    yield listing_key(record, branch)


def of_generation(store: Storage, record: RunRecord, listed: Iterable[ObjectInfo]) -> list[ObjectInfo]:
    """Return those of the objects among a run's results that its generation has published.

    What a former one left there is another object: under another key, or with other bytes, or a file of another task.
    """
    published: dict[str, Published | None] = {}
    for name in result_branches(frozen(record)):
        stage, branch = find_branch(frozen(record), name)
        made = find_published(store, branch_keys(record, stage.name, name))
        if made and branch.output is OutputKind.FILES:
            published |= dict.fromkeys(files_of(record, branch, made))
        elif made:
            published[made.output.key] = made
    return [found for found in listed if found.key in published and _is_it(published[found.key], found)]


def _is_it(made: Published | None, found: ObjectInfo) -> bool:
    return made is None or made.output.is_same(ObjectVersion.of(found))
