"""A pipeline as one run goes through it: without the stages that are left out, and with what each stage reads."""

from collections.abc import Collection, Mapping

from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.stage import Stage


def left_out(pipeline: Pipeline, first: Mapping[str, str], empty: Collection[str] = ()) -> dict[str, str]:
    """Return every stage that is left out, with the reason: those in `first`, and those with nothing left to read.

    A stage can read neither a branch of a stage that is left out, nor one that lists nothing (`empty`).
    """
    found: dict[str, str] = {}
    gone = dict.fromkeys(empty, "lists nothing")
    for stage in pipeline.stages:
        reason = first.get(stage.name) or _why_nothing(stage, gone)
        if reason:
            found[stage.name] = reason
            gone.update((made.name, "was left out") for made in stage.made)
    return found


def _why_nothing(stage: Stage, gone: Mapping[str, str]) -> str:
    for names in stage.readings:
        if all(name in gone for name in names):
            return "; ".join(f"{name}, which it reads, {gone[name]}" for name in names)
    return ""


def decided(pipeline: Pipeline, skipped: Collection[str], empty: Collection[str]) -> Pipeline:
    """Return the pipeline without the stages in `skipped`; each of the others reads the first branch that is there."""
    gone = {made.name for stage in pipeline.stages if stage.name in skipped for made in stage.made}
    results = None if pipeline.results is None else [name for name in pipeline.results if name not in gone]
    checks = [check for check in pipeline.checks if check.of not in gone]
    stages = [_reading(stage, gone.union(empty)) for stage in pipeline.stages if stage.name not in skipped]
    return pipeline.model_copy(update={"stages": stages, "results": results, "checks": checks})


def _reading(stage: Stage, gone: Collection[str]) -> Stage:
    if not any(name in gone for names in stage.readings for name in names):
        return stage
    joined = {join: [name for name in names if name not in gone] for join, names in stage.joined_names.items()}
    there = [name for name in stage.inputs if name not in gone]
    return stage.model_copy(update={"input": there or None, "joined": joined})
