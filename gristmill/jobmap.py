"""JobMap: which tasks of a stage lack an output, and the Batch jobs that make them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from gristmill import index, keys
from gristmill.cover import Cover
from gristmill.plan import Places, children, group_sizes, job_timeout, share
from gristmill.records import RunRecord
from gristmill.source import frozen
from gristmill.spec.model import Branch, Stage
from gristmill.split import ensure_index
from gristmill.store import Store
from gristmill.survey import survey
from gristmill.words import Compute


@dataclass(frozen=True)
class Lane:
    """Where the jobs of one kind of compute go: ARNs of queue and job definition, and the vCPUs behind them."""

    queue: str
    definition: str
    max_vcpus: float


@dataclass(frozen=True)
class Cursor:
    """Where a run stands: a stage, and an attempt at it (numbered through the run's resumes)."""

    run: str
    stage: str
    attempt: int

    def as_json(self) -> dict[str, Any]:
        """Return the cursor as the state machine carries it."""
        return {"run": self.run, "stage": self.stage, "attempt": self.attempt}


def read_record(store: Store, run: str) -> RunRecord:
    """Return the run's record."""
    return RunRecord.model_validate_json(store.read(keys.run_record(run)))


def job_map(store: Store, lanes: dict[Compute, Lane], cursor: Cursor) -> dict[str, Any]:
    """Return the groups of each branch of the cursor's stage; index the stage's input first where that is to do."""
    record = read_record(store, cursor.run)
    stage = frozen(record).stage(cursor.stage)
    tasks = max(ensure_index(store, record, stage).values - 1, 0)
    arrays = [_branch(store, lanes[branch.compute], cursor, stage, branch, tasks) for branch in stage.branches]
    return {**cursor.as_json(), "arrays": arrays, "mpi": []}


def _branch(store: Store, lane: Lane, cursor: Cursor, stage: Stage, branch: Branch, tasks: int) -> dict[str, Any]:
    held = survey(store, cursor.run, stage.name, branch.name, tasks)
    todo = held.tasks_missing
    if 0 < todo < tasks:
        key = keys.tasks(cursor.run, stage.name, branch.name, cursor.attempt)
        store.put(key, index.pack(_numbers(held)))
    return plan_branch(lane, cursor, stage, branch, todo)


def plan_branch(lane: Lane, cursor: Cursor, stage: Stage, branch: Branch, todo: int) -> dict[str, Any]:
    """Return the Batch jobs that do a branch's `todo` tasks, as the state machine carries them. Pure."""
    sizes = group_sizes(children(todo, branch, lane.max_vcpus, len(stage.branches)))
    return {
        "branch": branch.name,
        "merge": branch.is_merged,
        "groups": [_group(lane, cursor, branch, todo, place, len(sizes), size) for place, size in enumerate(sizes)],
    }


def _numbers(held: Cover) -> Iterator[int]:
    return chain.from_iterable(range(span.first, span.end) for span in held.missing)


def _group(lane: Lane, cursor: Cursor, branch: Branch, todo: int, place: int, groups: int, size: int) -> dict[str, Any]:
    per_child = -(-share(Places(0, todo), place, groups).count // size)
    return {
        "name": keys.job_name(cursor.run, cursor.stage, branch.name, cursor.attempt, place),
        "queue": lane.queue,
        "definition": lane.definition,
        "size": size,
        "timeout": job_timeout(branch, per_child),
        "resources": resources(branch),
        "parameters": {
            "run": cursor.run,
            "stage": cursor.stage,
            "branch": branch.name,
            "attempt": str(cursor.attempt),
            "group": f"{place}/{groups}",
        },
    }


def resources(branch: Branch) -> list[dict[str, str]]:
    """Return the branch's needs as Batch wants them: strings, memory in MiB."""
    return [
        {"Type": "VCPU", "Value": f"{branch.vcpus:g}"},
        {"Type": "MEMORY", "Value": str(branch.memory)},
    ]
