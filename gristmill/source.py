"""Which object a stage reads."""

from dataclasses import dataclass

from gristmill import keys
from gristmill.errors import Corrupt
from gristmill.records import RunRecord
from gristmill.spec.model import Pipeline, Stage
from gristmill.store import Store


@dataclass(frozen=True)
class Source:
    """An object version and its size in bytes."""

    key: str
    version: str | None
    size: int


def stage_source(store: Store, record: RunRecord, stage: Stage) -> Source:
    """Return what a stage reads: the dropped object version, or what an earlier branch merged."""
    if stage.input is None:
        return Source(record.input.key, record.input.version, record.input.size)
    key = output_key(record, stage.input)
    made = store.head(key)
    if made is None:
        raise Corrupt(f"{key} is missing: the branch {stage.input} that stage {stage.name} reads has no output.")
    return Source(key, None, made.size)


def output_key(record: RunRecord, branch: str) -> str:
    """Return where a branch's merged output lies: among the results, or with the run where only a stage reads it."""
    pipeline = frozen(record)
    if branch in result_branches(pipeline):
        name = keys.parse_input(record.input.key).name
        return keys.result(pipeline.name, name, record.run, branch + _suffix(name))
    stage = next(stage for stage in pipeline.stages if branch in [one.name for one in stage.branches])
    return keys.merged(record.run, stage.name, branch)


def result_branches(pipeline: Pipeline) -> list[str]:
    """Return the branches whose merged outputs are results."""
    if pipeline.results is not None:
        return list(pipeline.results)
    return [branch.name for stage in pipeline.stages for branch in stage.branches if branch.merge != "none"]


def frozen(record: RunRecord) -> Pipeline:
    """Return the run's pipeline; a refused drop has none and never gets here."""
    if record.pipeline is None:
        raise Corrupt(f"run {record.run} has no pipeline: {'; '.join(record.faults)}")
    return record.pipeline


def _suffix(name: str) -> str:
    base = name.rpartition("/")[2]
    stem, dot, suffix = base.rpartition(".")
    return dot + suffix if stem and suffix else ""
