"""`files.csv` of a branch that makes files: which file is of which task, and of which item or bytes of the input."""

import csv
import io

from gristmill.chunks import index
from gristmill.chunks.items import parse_item
from gristmill.enums import Encoding, RecordFormat
from gristmill.formats.registry import traits_of
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage
from gristmill.runs.coverage import Coverage
from gristmill.runs.left_out import tasks_left_out
from gristmill.runs.locations import find_branch, frozen, stage_keys
from gristmill.runs.pinned import read_cut
from gristmill.runs.records import RunRecord
from gristmill.runs.result_files import file_name
from gristmill.storage import Storage

_COLUMNS = ("file", "task", "item", "first_byte", "end_byte", "bytes", "records")


def listing(store: Storage, record: RunRecord, branch: Branch, held: Coverage) -> bytes:
    """Return the list of a branch's files as CSV; a column is empty where it means nothing.

    `first_byte` and `end_byte` are the task's place in its stage's input, where that is one plain file.
    """
    stage = find_branch(frozen(record), branch.name)[0]
    tasks = [part.span.first for part in held.slices]
    of_items, of_places = _items(store, record, stage), _places(store, record, stage)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for task, part in zip(tasks, held.slices, strict=True):
        item = of_items[task] if of_items else ""
        place = (of_places[task], of_places[task + 1]) if of_places else ("", "")
        writer.writerow([file_name(record, branch, task), task, item, *place, part.end - part.start, part.records_out])
    return text.getvalue().encode()


def _items(store: Storage, record: RunRecord, stage: Stage) -> list[str]:
    """Return the text of each task's item; of a part, that of the task which made it."""
    if stage.split.records is RecordFormat.PARTS and stage.reads:
        left_out = tasks_left_out(store, record, stage.reads)
        made_of = _items(store, record, find_branch(frozen(record), stage.reads)[0])
        return [item for task, item in enumerate(made_of) if task not in left_out]
    if stage.split.records is not RecordFormat.LIST:
        return []
    lines = read_cut(store, stage_keys(record, stage.name)).source.read(store).decode().removesuffix("\n").split("\n")
    return [parse_item(line).text for line in lines]


def _places(store: Storage, record: RunRecord, stage: Stage) -> list[int]:
    """Return where tasks begin in their input, and where the last one ends."""
    cut = read_cut(store, stage_keys(record, stage.name))
    if traits_of(stage.split.records).is_items or cut.encoding is not Encoding.PLAIN:
        return []
    return list(index.read_values(store, cut.index, 0, cut.values))
