"""A merge that computes is a stage of its own: one job over all parts of its branch, retried and checked as any."""

from gristmill.enums import Emptiness, MergeKind, OutputKind, RecordFormat
from gristmill.formats.registry import traits_of
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.stage import Split, Stage


def expand(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline with `merge: module:function` written out; without any it is the pipeline itself."""
    computing = {branch.name for stage in pipeline.stages for branch in stage.branches if _computes(branch)}
    if not computing:
        return pipeline
    stages = [expanded for stage in pipeline.stages for expanded in _expand(_pointed(stage, computing))]
    named = [made.name for stage in pipeline.stages for made in stage.made if made.has_results]
    results = named if pipeline.results is None else pipeline.results
    return pipeline.model_copy(update={"stages": stages, "results": results})


def _computes(branch: Branch) -> bool:
    return not isinstance(branch.merge, MergeKind)


def _pointed(stage: Stage, computing: set[str]) -> Stage:
    """Point a stage that reads the parts of such a branch to where they are now."""
    if not computing.intersection(stage.inputs) or not traits_of(stage.split.records).of_parts:
        return stage
    names = [parts_name(name) if name in computing else name for name in stage.inputs]
    return stage.model_copy(update={"input": names if len(names) > 1 else names[0]})


def _expand(stage: Stage) -> list[Stage]:
    branches = [_parts(stage, branch) if _computes(branch) else branch for branch in stage.branches]
    merging = [_merging(branch) for branch in stage.branches if _computes(branch)]
    return [stage.model_copy(update={"branches": branches}), *merging]


def _parts(stage: Stage, branch: Branch) -> Branch:
    """Return the mapping half: `output_records` is of what the function makes, and of parts only if those count."""
    counted = stage.counts_match(branch)
    update = {"name": parts_name(branch.name), "merge": MergeKind.NONE, "same_record_count": counted}
    update["cache"] = None  # parts are not merged
    update["empty"] = Emptiness.FAIL  # what it lists is known once it is merged
    return branch.model_copy(update=update if counted else {**update, "output_records": None})


def merge_name(branch: str) -> str:
    """Return what the stage that merges, of a branch with a computing merge, is called."""
    return f"{branch}-merge"


def parts_name(branch: str | None) -> str:
    """Return what the mapping half of a branch with a computing merge is called."""
    return f"{branch}-parts"


def _merging(branch: Branch) -> Stage:
    work = {
        "run": branch.merge,
        "command": None,
        "script": None,
        "output": OutputKind.STREAM,
        "merge": MergeKind.CONCAT,
        "same_record_count": False,
        "target_children": 1,
        "tolerate": 0,
    }
    return Stage(
        name=merge_name(branch.name),
        input=parts_name(branch.name),
        split=Split(records=RecordFormat.ALL_PARTS),
        branches=[branch.model_copy(update=work)],
    )
