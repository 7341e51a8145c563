"""The heat equation by explicit steps, the same on any number of ranks to the last bit."""

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np
from mpi4py import MPI

from gristmill.task import Task

from .checkpoint import Checkpoints, State, pack
from .grid import Grid
from .problem import Problem, read_problem

_LOOK_EVERY = 10  # steps between two looks at the largest change: each is a message between all ranks


def solve(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Solve the dropped problem; go on from the checkpoint of an attempt that died."""
    world = MPI.COMM_WORLD
    first = world.Get_rank() == 0
    problem = world.bcast(read_problem(source.read()) if first else None)
    checkpoints = Checkpoints(task.store, task) if first else None
    state = world.bcast(_last(checkpoints, problem) if checkpoints else None) or State(0, problem.initial, [])
    if first:
        _say(f"{problem.initial.shape[0]} x {problem.initial.shape[1]} points on {world.Get_size()} ranks")
        _say(f"going on from step {state.step}" if state.step else "starting")
    save = checkpoints.save if checkpoints else None
    final = run(world, problem, state, int(parameters["checkpoint_steps"]), save)
    if final:
        _say(f"done after {final.step} steps; the last one changed no point by more than {final.changes[-1][1]:g}")
        if not np.isfinite(final.field).all():
            raise ArithmeticError(f"the field is no longer finite after {final.step} steps")
        limits = (problem.initial.min(), problem.initial.max())
        sink.write(pack(final, limits=limits, tolerance=problem.tolerance))


def _last(checkpoints: Checkpoints, problem: Problem) -> State | None:
    """Return the last state that was saved; what is not of this problem is left."""
    state = checkpoints.load()
    if state is None or state.fits(problem):
        return state
    _say("the checkpoint is not of this problem: it is left, and the beginning taken")
    return None


def run(
    world: MPI.Intracomm, problem: Problem, state: State, checkpoint_steps: int, save: Callable[[State], None] | None
) -> State | None:
    """Take steps until nothing changes any more or all are taken; return the final state on rank 0, None elsewhere."""
    grid, changes, step = Grid(world, state.field), list(state.changes), state.step
    while step < problem.steps and not (changes and changes[-1][1] <= problem.tolerance):
        before = grid.step(problem.diffusion)
        step += 1
        if step % _LOOK_EVERY == 0 or step == problem.steps:
            changes.append((step, grid.largest_change(before)))
        grid.exchange()
        if step % checkpoint_steps == 0:
            _keep(grid, problem, step, changes, save)
    whole = grid.gather(problem.initial)
    return State(step, whole, changes) if whole is not None else None


def _keep(
    grid: Grid, problem: Problem, step: int, changes: list[tuple[int, float]], save: Callable[[State], None] | None
) -> None:
    whole = grid.gather(problem.initial)
    if save and whole is not None:
        save(State(step, whole, changes))


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a job's log is its stdout
