"""Find the faults of a dropped object and of its name."""

from gristmill import keys
from gristmill.limits import S3_KEY_MAX_BYTES
from gristmill.pipeline.model import Pipeline
from gristmill.runs.locations import frozen, output_key, result_branches
from gristmill.runs.records import RunRecord
from gristmill.steps.split.inputs import suffix_faults
from gristmill.storage import ObjectInfo


def object_faults(head: ObjectInfo, pipeline: Pipeline | None) -> list[str]:
    """Return what is wrong with the dropped object itself, whatever its content."""
    faults = [] if head.size else ["the file is empty; drop one with content"]
    accepts = pipeline.accepts if pipeline else None
    faults += suffix_faults("the file", head.key, accepts.suffixes) if accepts else []
    if accepts and head.size > accepts.max_bytes:
        faults.append(f"the file has {head.size:,} bytes; the pipeline takes at most {int(accepts.max_bytes):,}")
    return faults


def memory_faults(pipeline: Pipeline, most: int) -> list[str]:
    """Return which branches ask for more MiB of memory, in any step, than the largest host has (0: not known)."""
    asked = {branch.name: max(branch.memories) for stage in pipeline.stages for branch in stage.branches}
    return [
        f"branch {name}: {mib:,} MiB of memory fits no host of this stack, of which the largest has {most:,} MiB; "
        "ask for less, or deploy with larger InstanceTypes and their MaxMemory"
        for name, mib in asked.items()
        if most and mib > most
    ]


def name_faults(record: RunRecord) -> list[str]:
    """Return whether the dropped file's name is so long that the keys of its results could not be."""
    dropped = record.dropped
    results = [output_key(record, branch) for branch in result_branches(frozen(record))]
    results.append(keys.report(dropped.pipeline, dropped.name, record.run, "html"))
    longest = max(len(key.encode()) for key in results)
    if longest <= S3_KEY_MAX_BYTES:
        return []
    return [
        f"the file's name is too long by {longest - S3_KEY_MAX_BYTES} bytes: the keys of its results would have more "
        f"than {S3_KEY_MAX_BYTES}; shorten it"
    ]
