"""The next generation of a run: its pipeline as it is by now, over the same input."""

from collections.abc import Sequence
from pathlib import Path

from gristmill.batch.definitions import FindDefinitions
from gristmill.code.kept import keep_changed_code
from gristmill.code.source import Source
from gristmill.errors import Refused
from gristmill.pipeline.parameters import resolve
from gristmill.runs.records import RunRecord
from gristmill.steps.split.claimant import RunLimits
from gristmill.steps.split.inputs import lacking_inputs
from gristmill.steps.split.preparing import defined, find_code, refusing_unpushed, with_decisions
from gristmill.steps.split.refusals import fit_faults
from gristmill.storage import Storage


def redefine(
    store: Storage, record: RunRecord, roots: Sequence[Path], limits: RunLimits, version: int | None = None
) -> tuple[RunRecord, Source]:
    """Return the next generation of a run, and its code: both as they are by now, over the same input.

    `version` is one that was pushed; None is what every run takes. Refused with every fault.
    """
    source, faults = find_code(store, record.dropped.pipeline, str(version) if version else None, roots)
    if source is None:
        raise Refused(faults, _mend(record))
    return _sound(refusing_unpushed(next_generation(record, source, limits))), source


def next_generation(record: RunRecord, source: Source, limits: RunLimits) -> RunRecord:
    """Return the next generation of a run by a source; what is computed as before keeps its fingerprint.

    Refused with every fault. Pure.
    """
    parameters, faults = resolve(source.pipeline, record.given)
    faults += fit_faults(source.pipeline, limits)
    faults += lacking_inputs(source.pipeline, record.pipeline, record.inputs)
    update = {
        "pipeline": source.pipeline,
        "parameters": parameters,
        "code": source.code,
        "empty": [],
        "generation": record.generation + 1,
        "faults": faults,
    }
    return _sound(with_decisions(record.model_copy(update=update), source.pipeline))


def _sound(changed: RunRecord) -> RunRecord:
    if changed.faults:
        raise Refused(changed.faults, _mend(changed))
    return changed


def _mend(record: RunRecord) -> str:
    return f"Mend that, or give its folder: --with FOLDER; or go on as it was, with: gristmill resume {record.run}"


def redefined(before: RunRecord, changed: RunRecord, find: FindDefinitions) -> RunRecord:
    """Return a run's next generation with the definitions of its branches: those that are kept keep theirs."""
    after = defined(changed, find)
    if after.faults:
        raise Refused(after.faults)
    kept = [name for name, made in after.fingerprints.items() if made == before.fingerprints.get(name)]
    old, images = ({name: part[name] for name in kept if name in part} for part in (before.definitions, before.images))
    return after.model_copy(update={"definitions": after.definitions | old, "images": after.images | images})


def keeping_changes(store: Storage, changed: RunRecord, source: Source) -> RunRecord:
    """Keep the code of a run's next generation; return its record, which says where."""
    kept = keep_changed_code(store, changed.run, source.code.digest, source.archive)
    return changed.model_copy(update={"code": source.code.model_copy(update={"object": kept})})
