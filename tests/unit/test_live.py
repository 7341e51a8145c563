"""The live view tells what goes on where no bar moves."""

from dataclasses import replace

import pytest

from gristmill.cli.terminal.live import View
from gristmill.client.runs.phase import PHASES, phase
from gristmill.client.runs.snapshot import BranchLook, Children, Look, StageLook
from gristmill.enums import RunStatus
from tests.asl import definition, states
from tests.unit.test_cli import a_run


def test_every_function_and_every_wait_of_the_state_machine_has_its_words():
    calls = {name for name, state in states(definition()) if str(state.get("Resource", "")).endswith("lambda:invoke")}
    top = {name for name, state in definition()["States"].items() if state["Type"] in ("Task", "Wait", "Parallel")}
    assert set(PHASES) == calls | top


@pytest.mark.parametrize("entered", list(PHASES))
def test_the_last_state_that_takes_time_tells_the_phase(entered):
    class Clients:
        def client(self, _name):
            return self

        def get_execution_history(self, **_asked):
            names = ["IsComplete", entered, "Split"]
            entries = [{"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": name}} for name in names]
            return {"events": [{"type": "TaskSucceeded"}, *entries]}

    assert phase(Clients(), a_run(1, RunStatus.RUNNING, "a.txt").execution) == PHASES[entered]


def test_a_view_says_that_containers_tell_later_and_then_what_follows(capsys):
    run = a_run(1, RunStatus.RUNNING, "a.txt")
    at_work = BranchLook("repeat", 40, 0, 0, Children(running=4))
    all_done = replace(at_work, done=40, children=Children(succeeded=4))
    looks = [
        Look(run, (), "splitting the input"),
        Look(run, (StageLook("map", 1, None, (at_work,)),)),
        Look(run, (StageLook("map", 1, None, (at_work,)),)),
        Look(run, (StageLook("map", 1, None, (all_done,)),), "merging"),
        Look(run, (StageLook("map", 1, None, (all_done,)),), "checking the outputs"),
    ]
    View().show(looks)
    assert capsys.readouterr().err.splitlines() == [
        "splitting the input ...",
        "map/repeat: 0 of 40 tasks; children: 4 running",
        "Running containers report their tasks about once a minute, and at their end.",
        "map/repeat: 40 of 40 tasks",
        "merging ...",
        "checking the outputs ...",
    ]
