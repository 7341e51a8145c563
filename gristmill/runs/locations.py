"""A run's frozen pipeline, and which objects its stages read and make."""

from gristmill import keys
from gristmill.enums import OutputKind
from gristmill.errors import Corrupt
from gristmill.formats.names import plain_suffix, stored_suffix
from gristmill.formats.registry import traits_of
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.decided import decided
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.stage import Stage
from gristmill.runs.pinned import ObjectVersion, find_published
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage

_UNTOLD = "0"  # the fingerprint of everything in runs of earlier contracts


def branch_keys(record: RunRecord, stage: str, branch: str) -> keys.BranchKeys:
    """Return where everything of a branch lies, or of an output of it (`branch.output`), as the run computes it now."""
    name, _, output = branch.partition(".")
    stages = record.pipeline.stages if record.pipeline else []
    outputs = next((tuple(made.outputs) for each in stages for made in each.branches if made.name == name), ())
    return keys.BranchKeys(record.run, stage, name, record.fingerprints.get(name, _UNTOLD), output, outputs)


def stage_keys(record: RunRecord, stage: str) -> keys.StageKeys:
    """Return where what a stage reads lies, as the run cuts it now."""
    return keys.StageKeys(record.run, stage, record.cuts.get(stage, _UNTOLD))


def stage_source(store: Storage, record: RunRecord, stage: Stage) -> ObjectVersion:
    """Return what a stage that reads no list of parts reads: the dropped object, or what an earlier branch merged."""
    if stage.reads is None:
        dropped = record.input
        return ObjectVersion(key=dropped.key, version=dropped.version, etag=dropped.etag, size=dropped.size)
    return _made(store, record, stage, stage.reads)


def stage_joins(store: Storage, record: RunRecord, stage: Stage) -> dict[str, ObjectVersion]:
    """Return what a stage's tasks are given whole, by name: what earlier branches merged."""
    return {name: _made(store, record, stage, branch) for name, branch in stage.joins.items()}


def _made(store: Storage, record: RunRecord, stage: Stage, name: str) -> ObjectVersion:
    maker, branch = find_branch(frozen(record), name)
    made = find_published(store, branch_keys(record, maker.name, branch.name))
    if made is None:
        missing = f"the branch {name} that stage {stage.name} reads has no output"
        raise Corrupt(f"{missing}.", f"Merge it again with: gristmill resume {record.run}")
    return made.output


def join_suffix(record: RunRecord, stage: Stage, name: str) -> str:
    """Return how the file of a join should be called: as the branch's result; text of a part, as that of a task."""
    return _made_suffix(record, stage.joins[name])


def output_key(record: RunRecord, branch: str) -> str:
    """Return where a branch's merged output lies: among the results, or with the run where only a stage reads it.

    Where a branch makes files it is the prefix of their keys.
    """
    pipeline = frozen(record)
    stage, made = find_branch(pipeline, branch)
    if branch not in result_branches(pipeline):
        return branch_keys(record, stage.name, branch).merged
    name = record.dropped.name
    if made.output is OutputKind.FILES:
        return keys.result(pipeline.name, name, record.run, f"{branch}/")
    return keys.result(pipeline.name, name, record.run, _file_name(branch, suffix(record, made)))


def _file_name(branch: str, ending: str) -> str:
    """Return what a result is called; the output `vcf` of `calls` that ends in `.vcf.gz` is no `calls.vcf.vcf.gz`."""
    own, _, output = branch.partition(".")
    return own + ending if output and f"{ending}.".startswith(f".{output}.") else branch + ending


def suffix(record: RunRecord, branch: Branch) -> str:
    """Return how the names of a branch's results end: as it says, else as the dropped file's, which may be gzip."""
    return plain_suffix(_dropped_name(record)) if branch.suffix is None else branch.suffix


def input_suffix(record: RunRecord, stage: Stage) -> str:
    """Return how a file should be called that holds what a stage's tasks get; text reaches them decompressed."""
    name = _dropped_name(record) if stage.reads is None else f"x{_made_suffix(record, stage.reads)}"
    return plain_suffix(name) if traits_of(stage.split.records).is_text else stored_suffix(name)


def _made_suffix(record: RunRecord, branch: str) -> str:
    return suffix(record, find_branch(frozen(record), branch)[1])


def _dropped_name(record: RunRecord) -> str:
    return record.input.key.rpartition("/")[2]


def find_branch(pipeline: Pipeline, branch: str) -> tuple[Stage, Branch]:
    """Return a branch, or one of its outputs as a branch, and its stage."""
    named = ((stage, made) for stage in pipeline.stages for made in (*stage.branches, *stage.made))
    return next((stage, made) for stage, made in named if made.name == branch)


def result_branches(pipeline: Pipeline) -> list[str]:
    """Return the branches whose merged outputs are results."""
    if pipeline.results is not None:
        return list(pipeline.results)
    return [made.name for stage in pipeline.stages for made in stage.made if made.has_results]


def frozen(record: RunRecord) -> Pipeline:
    """Return the run's pipeline as it goes through it; a refused drop has none and never gets here."""
    if record.pipeline is None:
        raise Corrupt(f"run {record.run} has no pipeline: {'; '.join(record.faults)}")
    return decided(record.pipeline, record.skipped, record.empty)
