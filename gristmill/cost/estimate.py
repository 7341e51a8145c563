"""What a run is expected to use: planned by the planner's own rules, priced before anything is started.

Assumed: every task succeeds at once; a branch writes as many bytes and records as it reads; a container takes
`CHILD_START_SECONDS` to start, then what the branch `expects`; a function takes what `_function_seconds` says.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil

from gristmill import state_machine
from gristmill.batch.plan import Work, children, share_of
from gristmill.cost.bill import Usage
from gristmill.cost.load import Load, container_usage, log_usage, request_usage, reuse_usage, storage_usage, with_files
from gristmill.cost.run_load import invocation_usage, more_inputs, run_usage
from gristmill.enums import Compute
from gristmill.formats.registry import traits_of
from gristmill.limits import MIB
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.expects import Expects
from gristmill.pipeline.inputs import mates_input
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.parameters import Values, size_of
from gristmill.pipeline.stage import Stage
from gristmill.sharing import group_sizes

CHILD_START_SECONDS = 30.0  # AWS Batch user guide, "When to use Fargate": the start of a container is about this long
FUNCTION_GB = 1769 / 1024  # MemorySize of template.yaml
SCAN_BYTES_PER_SECOND = 40 * MIB  # see SCAN_MAX_BYTES
REQUESTS_PER_SECOND = 300  # that a function of one vCPU makes of S3, many at a time
INVOKED_SECONDS = 0.5
_RECORD_BYTES = 100  # where the records were not counted


@dataclass(frozen=True)
class StageInput:
    """A stage's input: how many tasks it was cut into, its bytes, and its records where they were counted."""

    tasks: int
    size: int
    records: int | None


@dataclass(frozen=True)
class StageLoad:
    """A stage as planned: its input, its branches at work, and the Batch jobs they take."""

    stage: Stage
    cut: StageInput
    loads: list[Load]
    jobs: int


def estimate(
    pipeline: Pipeline,
    parameters: Values,
    first: StageInput,
    max_vcpus: Mapping[Compute, float],
    reused: Collection[str] = (),
) -> Usage:
    """Return what a run of `pipeline` over an input cut like `first` will use, if all goes well.

    `reused` are branches whose outputs are copied from another run.
    """
    stages = list(stage_loads(pipeline, parameters, first, max_vcpus, reused))
    loads = [load for stage in stages for load in stage.loads]
    invocations = state_machine.RUN_INVOCATIONS + sum(map(_invocations, stages))
    seconds = invocations * INVOKED_SECONDS + sum(map(_function_seconds, stages))
    usage = Usage(
        state_transition=state_machine.RUN_STATES + sum(map(_states, stages)),
        lambda_request=invocations,
        lambda_gb_second=seconds * FUNCTION_GB,
        mail=1,
    )
    checked = len({check.of for check in pipeline.checks})
    usage += invocation_usage(invocations) + run_usage(len(stages), checked, more_inputs(pipeline))
    usage += log_usage(loads, invocations) + storage_usage(first.size, loads)
    requests = (request_usage(load) if load.children else reuse_usage(load) for load in loads)
    return sum(map(container_usage, loads), sum(requests, usage))


def stage_loads(
    pipeline: Pipeline,
    parameters: Values,
    first: StageInput,
    max_vcpus: Mapping[Compute, float],
    reused: Collection[str] = (),
) -> Iterator[StageLoad]:
    """Yield the stages as they will be planned; a later stage's input is taken to be as large as its maker's."""
    made: dict[str, StageInput] = {}
    for number, stage in enumerate(pipeline.stages):
        source = made.get(stage.reads or "", first)
        cut = first if number == 0 else recut(stage, parameters, source)
        is_paired = stage.reads is None and mates_input(pipeline.inputs) is not None
        planned = (_load(stage, branch, parameters, cut, max_vcpus) for branch in stage.branches)
        known = (replace(load, is_paired=is_paired, is_cached=pipeline.caches(load.branch)) for load in planned)
        loads = [replace(load, children=0, seconds=0) if load.branch.name in reused else load for load in known]
        made.update((output.name, cut) for output in (*stage.branches, *stage.made))
        yield StageLoad(stage, cut, loads, sum(map(_arrays, loads)))


def recut(stage: Stage, parameters: Values, source: StageInput) -> StageInput:
    """Return how a stage would cut an input that is not there yet."""
    if traits_of(stage.split.records).is_one_task:
        return StageInput(1, source.size, None)
    records = source.records or max(1, source.size // _RECORD_BYTES)
    by_records = size_of(stage.split.records_per_task, parameters)
    by_bytes = size_of(stage.split.bytes_per_task, parameters)
    if by_records:
        return StageInput(ceil(records / by_records), source.size, records)
    return StageInput(ceil(source.size / by_bytes) if by_bytes else source.tasks, source.size, source.records)


def _arrays(load: Load) -> int:
    return len(group_sizes(load.children)) if load.children and load.branch.mpi is None else 0


def _load(
    stage: Stage, branch: Branch, parameters: Values, given: StageInput, max_vcpus: Mapping[Compute, float]
) -> Load:
    share = share_of(max_vcpus, branch, len(stage.branches))
    count = children(Work.left(stage, given.tasks, given.tasks, given.size), branch, share)
    working = (branch.expects or Expects()).seconds(given.tasks, given.size)
    nodes = size_of(branch.nodes, parameters) or 1  # all of them run as long as their job
    seconds = nodes * (count * CHILD_START_SECONDS + working)
    made = Load(branch, given.tasks, given.size, given.size, count, seconds, len(stage.branches), nodes)
    return with_files(made, stage)


def _states(stage: StageLoad) -> int:
    alone = [load for load in stage.loads if load.branch.mpi is not None]
    looked_at = sum(state_machine.mpi_states(load.seconds / load.nodes) for load in alone if load.children)
    return state_machine.attempt_states(len(stage.loads) - len(alone), stage.jobs) + looked_at


def _invocations(stage: StageLoad) -> int:
    merges = sum(load.branch.is_merged for load in stage.loads if load.children)
    return state_machine.ATTEMPT_INVOCATIONS + state_machine.BRANCH_INVOCATIONS * merges


def _function_seconds(stage: StageLoad) -> float:
    """Sum what functions do: scan an input that is cut by records, survey what is committed, copy segments."""
    scanned = stage.cut.size if stage.cut.records is not None else 0
    requests = sum(request_usage(load).s3_read + load.segments for load in stage.loads if load.children)
    return scanned / SCAN_BYTES_PER_SECOND + requests / REQUESTS_PER_SECOND
