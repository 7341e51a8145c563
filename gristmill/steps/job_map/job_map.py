"""JobMap: find the tasks of a stage that lack an output, and plan the Batch jobs that make them."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

from gristmill import keys
from gristmill.batch.lanes import Lane, frozen_lane
from gristmill.batch.plan import Share, Work, children, job_timeout, nodes_timeout
from gristmill.cache.reuse import reuse
from gristmill.chunks import index
from gristmill.chunks.cutting import ensure_index
from gristmill.enums import LaneName
from gristmill.errors import Superseded
from gristmill.keys import BranchKeys
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.parameters import size_of
from gristmill.pipeline.stage import Stage
from gristmill.runs.at_work import check_going
from gristmill.runs.committed import read_committed
from gristmill.runs.coverage import Coverage
from gristmill.runs.cursor import Cursor
from gristmill.runs.locations import branch_keys, frozen
from gristmill.runs.pinned import StageCut
from gristmill.runs.planned import AttemptPlan, freeze_plan
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import find_newest_finding, read_record
from gristmill.sharing import Places, group_sizes, share
from gristmill.storage import Storage

_NODE = ("python", "-m", "gristmill.worker.node")
_ALL_NODES = "0:"  # the definition's open range; an override must name one of its ranges


def job_map(store: Storage, lanes: Mapping[LaneName, Lane], cursor: Cursor) -> dict[str, Any]:
    """Return the groups of each branch of the cursor's stage; index the stage's input first if needed."""
    record = read_record(store, cursor.run)
    stage = frozen(record).stage(cursor.stage)
    cut = ensure_index(store, record, stage)
    check = partial(_check_unjudged, store, cursor, record)
    reused = {own.name for own in stage.branches if reuse(store, record, stage.name, own, cut.tasks, check)}
    arrays = [
        _reused(branch, "groups")
        if branch.name in reused
        else _branch(store, frozen_lane(lanes, record, branch), record, cursor, branch, cut)
        for branch in stage.branches
        if branch.mpi is None
    ]
    mpi = [
        _reused(branch, "jobs")
        if branch.name in reused
        else _mpi(store, frozen_lane(lanes, record, branch), record, cursor, branch, cut.tasks)
        for branch in stage.branches
        if branch.mpi is not None
    ]
    return {**cursor.as_json(), "arrays": arrays, "mpi": mpi}


def _reused(branch: Branch, jobs: str) -> dict[str, Any]:
    """Return a branch whose outputs are there already: no job, and nothing to merge."""
    return {"branch": branch.name, "merge": False, jobs: []}


def _check_unjudged(store: Storage, cursor: Cursor, record: RunRecord) -> None:
    """Refuse to change results for an execution that goes on no more, or in an attempt that CheckOutput has judged."""
    check_going(store, cursor)
    if store.head(keys.check(cursor.run, cursor.stage, cursor.attempt, record.generation)):
        raise Superseded(f"attempt {cursor.attempt} at {cursor.stage} of run {cursor.run} is over.")


def _mpi(store: Storage, lane: Lane, record: RunRecord, cursor: Cursor, branch: Branch, tasks: int) -> dict[str, Any]:
    """Return an MPI branch and its job, or no job if its output is there already."""
    place = branch_keys(record, cursor.stage, branch.name)
    todo = read_committed(store, place, tasks).tasks_missing
    nodes = size_of(branch.nodes, record.parameters) or 1
    jobs = [mpi_job(lane, place, cursor.attempt, branch, nodes)] if todo else []
    return {"branch": branch.name, "merge": branch.is_merged, "jobs": jobs}


def mpi_job(lane: Lane, place: BranchKeys, attempt: int, branch: Branch, nodes: int) -> dict[str, Any]:
    """Return a multi-node job as the state machine submits it: every node runs the same command."""
    words = {
        **_place(place, attempt),
        "slots": str(branch.ranks_per_node),
        "time-limit-seconds": str(branch.timeout),
    }
    command = [*_NODE, *(word for name, value in words.items() for word in (f"--{name}", value))]
    overrides = {"Command": command, "ResourceRequirements": resources(branch)}
    return {
        "name": place.job_name(attempt, 0),
        "queue": lane.queue,
        "definition": lane.definition,
        "timeout": nodes_timeout(branch),
        "nodes": {
            "NumNodes": nodes,
            "NodePropertyOverrides": [{"TargetNodes": _ALL_NODES, "ContainerOverrides": overrides}],
        },
    }


def _place(place: BranchKeys, attempt: int) -> dict[str, str]:
    """Return what a job is told of its place: with another fingerprint it would be another's by now."""
    return {
        "run": place.run,
        "stage": place.stage,
        "branch": place.branch,
        "fingerprint": place.fingerprint,
        "attempt": str(attempt),
    }


def _branch(
    store: Storage, lane: Lane, record: RunRecord, cursor: Cursor, branch: Branch, cut: StageCut
) -> dict[str, Any]:
    place = branch_keys(record, cursor.stage, branch.name)
    held = read_committed(store, place, cut.tasks)
    stage, todo = frozen(record).stage(cursor.stage), held.tasks_missing
    if 0 < todo < cut.tasks:
        todo = _keep_tasks(store, place.tasks(cursor.attempt), index.pack(_numbers(held)))
    work = Work.left(stage, todo, cut.tasks, cut.source.size)
    count = children(work, branch, Share(lane.max_vcpus, len(stage.branches)))
    planned = AttemptPlan(children=count, memory=next_memory(store, record, stage, branch))
    if todo:
        planned = freeze_plan(store, place, cursor.attempt, planned)
    sized = branch.with_memory(planned.memory or branch.memories[0])
    return plan_arrays(lane, place, cursor.attempt, sized, todo, min(planned.children, todo))


def next_memory(store: Storage, record: RunRecord, stage: Stage, branch: Branch) -> int:
    """Return the MiB of memory of a branch's next containers: more than the last ones had where those ran out of it."""
    steps = branch.memories
    newest = find_newest_finding(store, record, stage.name) if len(steps) > 1 else None
    own = newest.of_branch(branch.name) if newest else None
    if own is None or own.memory not in steps:
        return steps[0]
    return steps[min(steps.index(own.memory) + own.out_of_memory, len(steps) - 1)]


def _keep_tasks(store: Storage, key: str, packed: bytes) -> int:
    """Write the index of an attempt's tasks, unless an earlier try of JobMap has; return how many they are."""
    if store.put_new(key, packed):
        return index.parse_header(packed, key).values
    return index.parse_header(store.read(key), key).values


def plan_arrays(
    lane: Lane, place: BranchKeys, attempt: int, branch: Branch, todo: int, children: int
) -> dict[str, Any]:
    """Return the Batch jobs that do a branch's `todo` tasks, as the state machine carries them. Pure."""
    sizes = group_sizes(children)

    def group(number: int, size: int) -> dict[str, Any]:
        per_child = -(-share(Places(0, todo), number, len(sizes)).count // size)
        return {
            "name": place.job_name(attempt, number),
            "queue": lane.queue,
            "definition": lane.definition,
            "size": size,
            "timeout": job_timeout(branch, per_child),
            "resources": resources(branch),
            "parameters": {**_place(place, attempt), "group": f"{number}/{len(sizes)}"},
        }

    groups = [group(number, size) for number, size in enumerate(sizes)]
    return {"branch": branch.name, "merge": branch.has_results, "groups": groups}


def _numbers(held: Coverage) -> Iterator[int]:
    return chain.from_iterable(range(span.first, span.end) for span in held.missing)


def resources(branch: Branch) -> list[dict[str, str]]:
    """Return the branch's needs as Batch wants them: strings, memory in MiB, of steps the first."""
    gpus = [{"Type": "GPU", "Value": str(branch.gpu_count)}] if branch.gpu_count else []
    return [
        {"Type": "VCPU", "Value": str(branch.vcpus)},
        {"Type": "MEMORY", "Value": str(branch.memories[0])},
        *gpus,
    ]
