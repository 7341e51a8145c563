"""The state machine, linted: by cfn-lint's schema of the language, and by what that schema cannot see."""

import json
import re
from collections import Counter
from typing import Any

from cfnlint.api import ManualArgs, lint
from jsonata.jsonata import Jsonata

from embedded_aws.services.cloudformation.template import parse
from gristmill.enums import RunStatus
from gristmill.state_machine import PARTIAL_ERROR, run_status
from tests import asl
from tests.project import PROJECT

MACHINE = asl.definition()
TEMPLATE = parse((PROJECT / "template.yaml").read_text())
PIPELINE = TEMPLATE["Resources"]["Pipeline"]["Properties"]


def faults(machine: dict[str, Any]) -> list[str]:
    """Return what cfn-lint finds in a machine.

    Its schema knows a number of seconds only where the language takes an expression too (of JSONata states): that one
    place is checked by `test_every_time_limit_is_a_number_of_seconds` instead.
    """
    linted = json.loads(json.dumps(machine))
    for _, state in asl.states(linted):
        if isinstance(state.get("TimeoutSeconds"), str):
            state["TimeoutSeconds"] = 1
    properties = {
        "RoleArn": "arn:aws:iam::123456789012:role/pipeline",
        "Definition": linted,
        "DefinitionSubstitutions": dict.fromkeys(PIPELINE["DefinitionSubstitutions"], "x"),
    }
    resources = {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}
    template = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})
    return [f"{match.rule.id} {match.message}" for match in lint(template, config=ManualArgs(regions=["us-east-1"]))]


def test_the_machine_has_no_fault():
    assert faults(MACHINE) == []


def test_the_linter_finds_what_is_put_wrong():
    broken = json.loads(json.dumps(MACHINE))
    for name, key, value in (("JobMap", "Retries", []), ("Work", "InputPath", "$"), ("Split", "TimeoutSeconds", -1)):
        broken["States"][name][key] = value
    assert len(faults(broken)) == 3


def test_every_state_is_reached_and_every_way_leads_to_a_state():
    for machine in asl.machines(MACHINE):
        reached, names = {machine["StartAt"]}, set(machine["States"])
        for state in machine["States"].values():
            assert set(asl.targets(state)) <= names
            reached |= set(asl.targets(state))
        assert reached == names


def test_no_two_states_have_one_name():
    counts = Counter(name for name, _ in asl.states(MACHINE))
    assert [name for name, count in counts.items() if count > 1] == []


def test_every_expression_parses():
    for expression in asl.expressions(MACHINE):
        Jsonata(expression)


def test_every_task_is_bounded_in_time_and_in_retries():
    for name, state in asl.states(MACHINE):
        if state["Type"] == "Task":
            assert "TimeoutSeconds" in state, name
            assert all("MaxAttempts" in retry and "JitterStrategy" in retry for retry in state.get("Retry", [])), name


def test_every_time_limit_is_a_number_of_seconds():
    most = TEMPLATE["Parameters"]["MaxRunHours"]["MaxValue"]
    for name, state in asl.states(MACHINE):
        limit = state.get("TimeoutSeconds", 1)
        if isinstance(limit, str):
            (expression,) = asl.expressions(limit)
            limit = Jsonata(expression.replace("${MaxRunHours}", str(most))).evaluate(None)
        assert isinstance(limit, int), name
        assert 0 < limit <= 99_999_999, name


def test_the_machine_outlives_its_longest_job():
    most = TEMPLATE["Parameters"]["MaxRunHours"]["MaxValue"]
    assert MACHINE["TimeoutSeconds"] >= most * 3600


def test_whatever_goes_wrong_at_the_top_is_told():
    for name, state in MACHINE["States"].items():
        if state["Type"] in ("Task", "Parallel"):
            *others, last = ((rule["ErrorEquals"], rule["Next"]) for rule in state["Catch"])
            assert last[0] == ["States.ALL"], name
            assert others in ([], [(["Superseded"], "Superseded")]), name


def test_only_a_complete_last_stage_succeeds():
    """Promise 1: one way leads to RunSucceeded, and it begins at CheckOutput's COMPLETE."""
    ways = {name: set(asl.targets(state)) for name, state in MACHINE["States"].items()}
    assert [name for name, to in ways.items() if "RunSucceeded" in to] == ["NotifySucceeded"]
    assert [name for name, to in ways.items() if "NotifySucceeded" in to] == ["IsComplete"]
    (condition,) = (
        rule["Condition"] for rule in MACHINE["States"]["IsComplete"]["Choices"] if rule["Next"] == "NotifySucceeded"
    )
    assert condition == "{% $states.input.verdict = 'COMPLETE' and $states.input.last %}"


def test_what_is_partial_ends_as_a_failure_that_is_known_by_its_error():
    states = MACHINE["States"]
    assert set(asl.targets(states["NotifyPartial"])) == {"RunPartial"}
    assert (states["RunPartial"]["Type"], states["RunPartial"]["Error"]) == ("Fail", PARTIAL_ERROR)
    assert run_status("FAILED", PARTIAL_ERROR) is RunStatus.PARTIAL
    assert run_status("FAILED", "Gristmill.RunFailed") is RunStatus.FAILED
    assert run_status("SUCCEEDED", PARTIAL_ERROR) is RunStatus.SUCCEEDED


def test_the_template_fills_every_place_and_no_other():
    assert set(re.findall(r"\$\{(\w+)\}", asl.TEXT)) == set(PIPELINE["DefinitionSubstitutions"])
