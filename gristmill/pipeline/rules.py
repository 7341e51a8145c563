"""Rules of `pipeline.yaml` that join fields; each broken one is a fault with the place it is at.

Here are those of the whole file: names, results, checks, the history of an execution.
"""

from collections.abc import Iterator

from gristmill import keys, state_machine
from gristmill.limits import HISTORY_EVENTS_MAX, STAGE_CHILDREN_MAX
from gristmill.pipeline.chain_rules import chain_faults
from gristmill.pipeline.check_rules import check_faults
from gristmill.pipeline.fault import Fault, Place
from gristmill.pipeline.input_rules import input_faults
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.parameter_rules import parameter_faults
from gristmill.pipeline.stage import Stage
from gristmill.pipeline.stage_rules import stage_faults
from gristmill.sharing import group_sizes


def faults(pipeline: Pipeline) -> Iterator[Fault]:
    """Yield every broken rule as (place in the file, sentence)."""
    for name, parameter in pipeline.parameters.items():
        yield from parameter_faults(name, parameter)
    yield from input_faults(pipeline)
    yield from _names(pipeline)
    for number in range(len(pipeline.stages)):
        yield from stage_faults(pipeline, number)
    yield from check_faults(pipeline)
    yield from _results(pipeline)
    yield from chain_faults(pipeline)
    yield from _history(pipeline)


def _names(pipeline: Pipeline) -> Iterator[Fault]:
    stages: set[str] = set()
    branches: set[str] = set()
    heads: set[str] = set()
    for number, stage in enumerate(pipeline.stages):
        if stage.name in stages:
            yield ("stages", number, "name"), f"two stages are called {stage.name}"
        yield from _reserved(("stages", number, "name"), stage.name)
        stages.add(stage.name)
        for place, branch in enumerate(stage.branches):
            where: Place = ("stages", number, "branches", place, "name")
            head = keys.job_head("", stage.name, branch.name)
            if branch.name in branches:
                yield where, f"two branches are called {branch.name}"
            elif head in heads:
                yield where, f"its jobs would be called as those of another branch: {stage.name}-{branch.name}"
            yield from _reserved(where, branch.name)
            if branch.name == keys.REPORT:
                yield where, "the name is reserved: the run's own report has it"
            branches.add(branch.name)
            heads.add(head)


def _reserved(place: Place, name: str) -> Iterator[Fault]:
    if name in keys.RESERVED:
        yield place, f"{name} is reserved, as all words of keys: {', '.join(sorted(keys.RESERVED))}"


def _results(pipeline: Pipeline) -> Iterator[Fault]:
    able = [made.name for stage in pipeline.stages for made in stage.made if made.has_results]
    known = ", ".join(able) or "none"
    for number, name in enumerate(pipeline.results or []):
        if name not in able:
            yield ("results", number), f"{name} is no branch that merges or makes files (there are: {known})"


def _history(pipeline: Pipeline) -> Iterator[Fault]:
    """Yield a fault where stages that each need all their attempts would outgrow an execution's history."""
    events = sum(_worst_events(stage) for stage in pipeline.stages)
    if not state_machine.fits_history(events):
        most = f"an execution has at most {HISTORY_EVENTS_MAX:,} events, and these may take {events:,}"
        yield ("stages",), f"{most}: fewer stages, branches or attempts are needed"


def _worst_events(stage: Stage) -> int:
    share = STAGE_CHILDREN_MAX // len(stage.branches)
    arrays = [branch for branch in stage.branches if branch.mpi is None]
    wanted = [branch.target_children or 1 for branch in arrays]  # without it, all fit one job
    jobs = sum(len(group_sizes(min(children, share))) for children in wanted)
    attempts = max(branch.attempts for branch in stage.branches)
    nodes = sum(state_machine.mpi_events(branch.timeout) for branch in stage.branches if branch.mpi is not None)
    return state_machine.worst_events(attempts, len(arrays), jobs) + attempts * nodes
