"""Rules of the checks in `pipeline.yaml`: what their bounds are, and which branches write figures."""

from collections.abc import Iterator

from gristmill.enums import MergeKind, OutputKind
from gristmill.formats.registry import traits_of
from gristmill.humanize import did_you_mean, number
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.check import Check
from gristmill.pipeline.fault import Fault, Place
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.stage import Stage


def check_faults(pipeline: Pipeline) -> Iterator[Fault]:
    """Yield every broken rule of the checks."""
    branches = {made.name: (stage, made) for stage in pipeline.stages for made in stage.made}
    able = [name for name, (stage, branch) in branches.items() if not _why_no_figures(stage, branch)]
    for index, check in enumerate(pipeline.checks):
        place: Place = ("checks", index)
        yield from _bounds(place, check)
        if check.of not in branches:
            there = f"of those there are, these can write figures: {', '.join(able) or 'none'}"
            yield (*place, "of"), f"there is no branch {check.of}; {there}{did_you_mean(check.of, branches)}"
        elif why := _why_no_figures(*branches[check.of]):
            yield (*place, "of"), f"{check.of} cannot write figures: {why}"


def _bounds(place: Place, check: Check) -> Iterator[Fault]:
    given = [name for name in ("minimum", "maximum", "equals") if getattr(check, name) is not None]
    if not given:
        yield place, "has no bound: give minimum, maximum or both, or equals"
    if check.equals is not None and len(given) > 1:
        yield (*place, "equals"), f"leaves no room for {' and '.join(given[:-1])}: give one or the other"
    if check.minimum is not None and check.maximum is not None and check.minimum > check.maximum:
        bounds = f"{number(check.minimum)} is more than the maximum, {number(check.maximum)}"
        yield (*place, "minimum"), f"{bounds}: no figure is within both"


def _why_no_figures(stage: Stage, branch: Branch) -> str:
    """Return why a branch's output is never one JSON object; empty where it can be."""
    if not isinstance(branch.merge, MergeKind):
        return ""
    if branch.output is OutputKind.FILES or branch.merge is MergeKind.NONE:
        kind = "a file of each task" if branch.output is OutputKind.FILES else "parts that are not merged"
        return f"it makes {kind}, and figures are one object; give it merge: module:function, or check a later branch"
    if not traits_of(stage.split.records).is_one_task:
        return (
            f"each of its tasks writes (records: {stage.split.records}), and figures are one JSON object; "
            "sum them up with merge: module:function, or in a later stage of records: whole"
        )
    return ""
