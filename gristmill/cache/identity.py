"""The identity of what a branch computes, in whichever run: it decides what may be reused. Pure.

It is made as fingerprints are, of the same fields, and of what differs between runs: inputs by a SHA-256 that S3 has
verified, else by key and version, and never by an ETag; the endings of files' names, which programs see; the very
revision of the job definition and its image; the version of Gristmill.
"""

from typing import Any, TypeVar

from gristmill import __version__
from gristmill.formats.names import plain_suffix, stored_suffix
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage
from gristmill.runs.fingerprints import digests, whole_digest
from gristmill.runs.locations import frozen
from gristmill.runs.pinned import ObjectVersion
from gristmill.runs.records import NO_IMAGE, InputObject, RunRecord

Input = TypeVar("Input", InputObject, ObjectVersion)
_DIGEST = "@sha256:"
_UNVERSIONED = (None, "", "null")


def identities(record: RunRecord) -> dict[str, str]:
    """Return the identities of those of a run's branches that are reused; whatever is left out taints what reads it."""
    if record.pipeline is None or record.left_out or _unknown(record):
        return {}
    inputs = {name: _as_content(given) for name, given in record.inputs.items()}
    given = record.model_copy(update={"input": _as_content(record.input), "inputs": inputs})
    names = [_endings(key) for key in (record.input.key, *(file.key for file in record.inputs.values()))]

    def beside(_stage: Stage, branch: Branch) -> list[Any]:
        return [__version__, names, record.definitions.get(branch.name), record.images.get(branch.name)]

    _, made = digests(given, whole_digest, beside)
    pipeline = frozen(record)
    wanted = [branch for stage in pipeline.stages for branch in stage.branches if pipeline.caches(branch)]
    return {branch.name: made[branch.name] for branch in wanted if not unpinned(record, branch)}


def unpinned(record: RunRecord, branch: Branch) -> str:
    """Return why what a branch computes cannot be told from something else; empty where it can."""
    unknown = _unknown(record)
    if unknown:
        return f"{unknown} has neither a version nor a SHA-256"
    image = record.images.get(branch.name, "")
    if image == NO_IMAGE or _DIGEST in image:
        return ""
    return f"its image {image or '(none is known)'} has no digest, and another may be pushed under its name"


def unpinned_notes(record: RunRecord, stage: Stage) -> list[str]:
    """Return a line for each branch of a stage that asks to be reused and cannot be told from something else."""
    asking = [branch for branch in stage.branches if frozen(record).caches(branch)]
    pairs = ((branch.name, unpinned(record, branch)) for branch in asking)
    return [f"{name} is not kept for other runs: {why}" for name, why in pairs if why]


def _unknown(record: RunRecord) -> str:
    given: list[InputObject | ObjectVersion] = [record.input, *record.inputs.values()]
    return next((each.key for each in given if not each.sha256 and each.version in _UNVERSIONED), "")


def _as_content(given: Input) -> Input:
    """Return an input with what tells its bytes from all others in place of its version."""
    content = given.sha256 or f"{given.version} of {given.key}"
    return given.model_copy(update={"version": content, "etag": ""})


def _endings(key: str) -> list[str]:
    name = key.rpartition("/")[2]
    return [plain_suffix(name), stored_suffix(name)]
