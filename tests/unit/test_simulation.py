"""The simulation: the same seed gives the same history, it speaks the machine's language, and the laws hold."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable

import pytest

from gristmill import state_machine
from tests.project import PROJECT
from tests.simulation.asl import check, load
from tests.simulation.history import CALM, play, report
from tests.simulation.laws import all_names
from tests.simulation.world import World

_TRACE = """
import hashlib
from tests.simulation.history import play
from tests.simulation.seams import CODE_FOLDER
traces = "\\n".join(line for seed in range(6) for line in play(seed).kernel.trace)
traces = traces.replace(str(CODE_FOLDER), "code")
print(hashlib.sha256(traces.encode()).hexdigest())
"""


def traced(hash_seed: str) -> str:
    """Return the hash of six histories, played in a process of their own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", _TRACE]
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True).stdout


def test_the_same_seed_gives_the_same_history_in_every_process():
    assert traced("1") == traced("2") != ""


def test_what_the_interpreter_does_not_know_it_refuses():
    machine = load()
    machine["States"]["JobMap"]["ResultSelector"] = {}
    with pytest.raises(AssertionError, match="ResultSelector"):
        check(machine)


def test_a_simulated_run_has_the_states_and_events_of_a_real_one():
    """What `state_machine` says is held against executions on the embedded AWS elsewhere."""
    world = next(world for seed in range(30) if _succeeds_at("pairs", world := play(seed, CALM)))
    (execution,) = world.states.executions.values()
    kinds = [event["type"] for _, event in execution.history]
    jobs = len(world.batch.jobs)
    entered = sum(kind.endswith("StateEntered") for kind in kinds)
    assert entered == state_machine.RUN_STATES + state_machine.attempt_states(2, jobs)
    its_own = 2  # of the execution itself
    assert len(kinds) + its_own == state_machine.RUN_EVENTS + state_machine.attempt_events(2, jobs)


def _succeeds_at(pipeline: str, world: World) -> bool:
    (drop,) = world.drops.values()
    return drop.pipeline == pipeline and drop.max_cost is None


def test_every_law_is_documented_and_every_promise_names_its_own():
    protocol, reliability = ((PROJECT / "docs" / name).read_text() for name in ("protocol.md", "reliability.md"))
    named = {law for row in re.findall(r"(?m)^- Laws: (.*)$", reliability) for law in re.findall(r"`(\w+)`", row)}
    assert [law for law in all_names() if f"`{law}`" not in protocol] == []
    assert named and named <= set(all_names())


def test_every_law_holds_where_there_is_no_trouble():
    assert broken(range(10), CALM) == []


def test_every_law_holds_in_the_first_histories():
    """Many more are played by `make test-simulation`."""
    assert broken(range(300)) == []


def broken(seeds: Iterable[int], only: frozenset[str] | None = None) -> list[str]:
    """Return how the histories of seeds break laws, and how to see that again."""
    return [report(world) for seed in seeds if (world := play(seed, only)).violations]
