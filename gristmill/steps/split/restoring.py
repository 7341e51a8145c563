"""Restore the code of a run that is resumed, where somebody has damaged or removed what the run kept of it."""

from collections.abc import Sequence
from pathlib import Path

from gristmill.code.kept import read_kept
from gristmill.code.pushed import BUILT_IN
from gristmill.errors import Corrupt, NotFound
from gristmill.runs.pinned import replace_object
from gristmill.runs.records import RunRecord
from gristmill.steps.split.preparing import find_code
from gristmill.storage import Storage


def restoring_code(store: Storage, record: RunRecord, roots: Sequence[Path]) -> RunRecord:
    """Return a run's record with its code in place: kept anew from where it came, if the very same is there still.

    Where it is not, the record stays as it is, and the run's containers say what is gone.
    """
    code = record.code
    if code is None or code.object is None or _stands(store, record):
        return record
    wanted = code.digest if code.version else BUILT_IN if code.built_in else None
    source, _ = find_code(store, record.dropped.pipeline, wanted, roots)
    if source is None or source.code.digest != code.digest:
        return record
    kept = replace_object(store, code.object.key, source.archive)
    return record.model_copy(update={"code": code.model_copy(update={"object": kept})})


def _stands(store: Storage, record: RunRecord) -> bool:
    try:
        read_kept(store, record)
    except (Corrupt, NotFound):
        return False
    return True
