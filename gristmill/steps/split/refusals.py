"""Find the faults of a dropped object and of its name."""

from gristmill import keys
from gristmill.limits import S3_KEY_MAX_BYTES
from gristmill.pipeline.model import Pipeline
from gristmill.runs.locations import frozen, output_key, result_branches
from gristmill.runs.records import RunRecord
from gristmill.steps.split.claimant import RunLimits
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


def fit_faults(pipeline: Pipeline, limits: RunLimits) -> list[str]:
    """Return which branches ask for more memory, in any step, or vCPUs than a host of the stack can have.

    What is not known of the stack refuses nothing; vCPUs of MPI jobs are of a queue of their own.
    """
    most, vcpus = limits.max_memory, limits.max_vcpus
    too_much = [
        f"branch {branch.name}: {max(branch.memories):,} MiB of memory fits no host of this stack, of which the "
        f"largest has {most:,} MiB; ask for less, or deploy with larger InstanceTypes and their MaxMemory"
        for branch in pipeline.branches
        if 0 < most < max(branch.memories)
    ]
    return too_much + [
        f"branch {branch.name}: {branch.vcpus} vCPUs are more than this stack has at once, {vcpus[branch.compute]:g}; "
        "ask for less, or deploy with more"
        for branch in pipeline.branches
        if branch.mpi is None and 0 < vcpus.get(branch.compute, 0) < branch.vcpus
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
