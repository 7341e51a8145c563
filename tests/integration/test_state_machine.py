"""Every state of the real state machine, failure ways included: its own text, with scripted functions and real jobs."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gristmill import state_machine
from gristmill.limits import HISTORY_EVENTS_MAX
from tests import asl
from tests.integration.mill import Mill

STUB = Path(__file__).parent / "stubs" / "app.py"
FUNCTIONS = ("Split", "Feed", "JobMap", "Merge", "CheckOutput", "Notify")
ASSUMED = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["lambda.amazonaws.com"]}},
    ],
}
SHORT_LIMIT = "0.000555555555555555555"  # hours: 2 s, for jobs that must run into their time limit

# What LookAtMpi asks Batch for, and what Batch refuses to tell.
ASKED_FOR, TOO_MANY_ASKED_FOR = (
    """Jobs:
                      - "{% $states.input.job %}"
""",
    """Jobs: "{% [1..101].('job-' & $string($)) %}"
""",
)
# The clock of WaitForMpi goes on as ever; it alone does not really wait.
AT_ONCE = ('Seconds: "{% $max([1, $min([900, $floor($states.input.waited / 10)])]) %}"', "Seconds: 0")

SUPERSEDED = "the run is another's"
GO = {"verdict": "GO", "stage": "map", "attempt": 0}
COMPLETE = {"verdict": "COMPLETE", "stage": "map", "attempt": 0, "last": True, "wait": 0, "reason": ""}
NEXT_STAGE = {**COMPLETE, "last": False, "stage": "reduce", "attempt": 1}
WAITING = {"stage": "", "attempt": 1, "done": False, "wait": 1, "refused": []}
ALL_ENDED = {**WAITING, "done": True}
INCOMPLETE = {"verdict": "INCOMPLETE", "stage": "map", "attempt": 1, "last": True, "wait": 0, "reason": "1 of 2"}
PARTIAL = {**COMPLETE, "verdict": "PARTIAL", "reason": "3 of 1,000 left out"}
GAVE_UP = {"verdict": "FAILED", "stage": "map", "attempt": 0, "last": True, "wait": 0, "reason": "all is lost"}


@dataclass(frozen=True)
class Group:
    """A Batch job that the scripted JobMap asks for."""

    command: str = "true"
    size: int = 1
    definition: str | None = None


@dataclass(frozen=True)
class Gang:
    """A job of two nodes that the scripted JobMap asks for."""

    command: str = "true"
    definition: str | None = None


def ganged(*gangs: Gang, merge: bool = True) -> dict[str, Any]:
    """Return JobMap's answer for one branch of several nodes."""
    return {"stage": "map", "attempt": 0, "arrays": [], "mpi": [{"branch": "m", "merge": merge, "jobs": gangs}]}


def mapped(*groups: Group, merge: bool = True) -> dict[str, Any]:
    """Return JobMap's answer for one branch of these groups."""
    return {"stage": "map", "attempt": 0, "mpi": [], "arrays": [{"branch": "b", "merge": merge, "groups": groups}]}


@dataclass(frozen=True)
class Way:
    """One way through the machine: the script, the states at the top in order, those inside, and how it ends."""

    top: str
    inside: str | None = ""  # None: two lanes race
    ends: str = "SUCCEEDED"
    cause: str = ""
    script: dict[str, list[Any]] = field(default_factory=dict)
    machine: str = "real"

    @property
    def steps(self) -> dict[str, list[Any]]:
        """Return the script, with what usually happens where it says nothing."""
        usual: dict[str, list[Any]] = {
            "Split": [GO],
            "JobMap": [mapped(Group())],
            "Merge": [{}],
            "CheckOutput": [COMPLETE],
            **{f"Notify{status}": [{}] for status in ("SUCCEEDED", "PARTIAL", "FAILED", "RETRYING")},
        }
        return {**usual, **self.script}


START = "Split IsClaimed JobMap Work"
GREEN = f"{START} CheckOutput IsComplete NotifySucceeded RunSucceeded"
PLAIN = "Arrays Groups ArrayOrPlain PlainJob IsMerged Merge Mpi"
MPI = "Arrays Mpi IsMpiToDo MpiJob WaitForMpi LookAtMpi IsMpiOver IsMpiMerged MergeMpi"
BROKEN = "Arrays Groups ArrayOrPlain PlainJob JobFailed IsMerged Merge Mpi"

WAYS = {
    "a batch": Way(
        "Split IsClaimed Feed IsFed WaitForBatch Feed IsFed CheckOutput IsComplete NotifySucceeded RunSucceeded",
        script={"Split": [{**GO, "verdict": "BATCH"}], "Feed": [WAITING, ALL_ENDED]},
    ),
    "a batch whose feeder breaks": Way(
        "Split IsClaimed Feed NotifyFailed RunFailed",
        ends="FAILED",
        cause="no grain",
        script={"Split": [{**GO, "verdict": "BATCH"}], "Feed": ["no grain"]},
    ),
    "a batch that is another's by now": Way(
        "Split IsClaimed Feed Superseded",
        ends="FAILED",
        cause="another execution",
        script={"Split": [{**GO, "verdict": "BATCH"}], "Feed": [SUPERSEDED]},
    ),
    "a plain job": Way(GREEN, PLAIN),
    "an array, nothing to merge": Way(
        GREEN,
        "Arrays Groups ArrayOrPlain ArrayJob IsMerged BranchEnd Mpi",
        script={"JobMap": [mapped(Group(size=2), merge=False)]},
    ),
    "nothing left to do": Way(GREEN, "Arrays Groups IsMerged Merge Mpi", script={"JobMap": [mapped()]}),
    "two stages": Way(
        f"{START} CheckOutput IsComplete JobMap Work CheckOutput IsComplete NotifySucceeded RunSucceeded",
        PLAIN,
        script={"CheckOutput": [NEXT_STAGE, COMPLETE], "JobMap": [mapped(Group()), {**mapped(Group()), "attempt": 1}]},
    ),
    "an ignored drop": Way("Split IsClaimed Ignored", script={"Split": [{"verdict": "IGNORED"}]}),
    "a duplicate": Way("Split IsClaimed Duplicate", script={"Split": [{"verdict": "DUPLICATE"}]}),
    "a refused drop": Way(
        "Split IsClaimed NotifyFailed RunFailed",
        ends="FAILED",
        cause="the file is empty",
        script={"Split": [{"verdict": "INVALID", "reason": "the file is empty"}]},
    ),
    "Split throws": Way(
        "Split NotifyFailed RunFailed", ends="FAILED", cause="no index today", script={"Split": ["no index today"]}
    ),
    "Split is throttled": Way("Split NotifyFailed RunFailed", ends="FAILED", cause="Rate Exceeded", machine="full"),
    "JobMap throws": Way(
        "Split IsClaimed JobMap NotifyFailed RunFailed", ends="FAILED", cause="no plan", script={"JobMap": ["no plan"]}
    ),
    "Merge throws": Way(
        f"{START} NotifyFailed RunFailed", PLAIN, ends="FAILED", cause="no part", script={"Merge": ["no part"]}
    ),
    "CheckOutput throws": Way(
        f"{START} CheckOutput NotifyFailed RunFailed",
        PLAIN,
        ends="FAILED",
        cause="no sight",
        script={"CheckOutput": ["no sight"]},
    ),
    "the run is another's when JobMap begins": Way(
        "Split IsClaimed JobMap Superseded",
        ends="FAILED",
        cause="another execution has taken the run over",
        script={"JobMap": [SUPERSEDED]},
    ),
    "the run is another's when Merge begins": Way(
        f"{START} Superseded", PLAIN, ends="FAILED", cause="another execution", script={"Merge": [SUPERSEDED]}
    ),
    "the run is another's when CheckOutput begins": Way(
        f"{START} CheckOutput Superseded",
        PLAIN,
        ends="FAILED",
        cause="another execution",
        script={"CheckOutput": [SUPERSEDED]},
    ),
    "a plan that the machine cannot read": Way(
        f"{START} NotifyFailed RunFailed",
        None,
        ends="FAILED",
        cause="arrays",
        script={"JobMap": [{"stage": "map", "attempt": 0, "mpi": []}]},
    ),
    "a job that the machine cannot word": Way(
        GREEN,
        BROKEN,
        script={"JobMap": [{**mapped(), "arrays": [{"branch": "b", "merge": True, "groups": [{"size": 1}]}]}]},
    ),
    "a plain job fails, and CheckOutput finds all there": Way(
        GREEN, BROKEN, script={"JobMap": [mapped(Group("false"))]}
    ),
    "a child of an array fails": Way(
        f"{START} CheckOutput IsComplete NotifyFailed RunFailed",
        "Arrays Groups ArrayOrPlain ArrayJob JobFailed IsMerged Merge Mpi",
        ends="FAILED",
        cause="all is lost",
        script={"JobMap": [mapped(Group("exit $AWS_BATCH_JOB_ARRAY_INDEX", size=2))], "CheckOutput": [GAVE_UP]},
    ),
    "a job fails beside one that does not": Way(
        GREEN, BROKEN, script={"JobMap": [mapped(Group("false"), Group("true"))]}
    ),
    "Batch refuses a job": Way(GREEN, BROKEN, script={"JobMap": [mapped(Group(definition="no-such-definition"))]}),
    "Batch refuses one job of two branches": Way(
        GREEN,
        BROKEN,
        script={
            "JobMap": [
                {
                    **mapped(),
                    "arrays": [
                        {"branch": "a", "merge": True, "groups": [Group()]},
                        {"branch": "b", "merge": True, "groups": [Group(), Group(definition="no-such-definition")]},
                    ],
                }
            ]
        },
    ),
    "Batch refuses an array": Way(
        GREEN,
        "Arrays Groups ArrayOrPlain ArrayJob JobFailed IsMerged Merge Mpi",
        script={"JobMap": [mapped(Group(size=10_001))]},
    ),
    "a job outlives the machine's patience": Way(
        GREEN, BROKEN, script={"JobMap": [mapped(Group("sleep 60"))]}, machine="hasty"
    ),
    "a job of two nodes": Way(GREEN, MPI, script={"JobMap": [ganged(Gang())]}),
    "no nodes needed, nothing to merge": Way(
        GREEN, "Arrays Mpi IsMpiToDo IsMpiMerged MpiBranchEnd", script={"JobMap": [ganged(merge=False)]}
    ),
    "a job of two nodes fails": Way(GREEN, MPI, script={"JobMap": [ganged(Gang("false"))]}),
    "Batch refuses a job of two nodes": Way(
        GREEN,
        "Arrays Mpi IsMpiToDo MpiJob IsMpiMerged MergeMpi",
        script={"JobMap": [ganged(Gang(definition="no-such-definition"))]},
    ),
    "a job of two nodes outlives the machine's patience": Way(
        GREEN, f"{MPI} EndMpi", script={"JobMap": [ganged(Gang("sleep 60"))]}, machine="hasty"
    ),
    "nobody can say how a job of two nodes stands": Way(
        GREEN,
        f"{MPI.replace(' IsMpiOver', '')} EndMpi",
        script={"JobMap": [ganged(Gang("sleep 60"))]},
        machine="blind",
    ),
    "a job of two nodes takes more than a day": Way(
        GREEN, f"{MPI} EndMpi", script={"JobMap": [ganged(Gang("sleep 60"))]}, machine="day"
    ),
    "what is missing is done again": Way(
        f"{START} CheckOutput IsComplete NotifyRetrying WaitBeforeRetry JobMap Work CheckOutput IsComplete "
        "NotifySucceeded RunSucceeded",
        PLAIN,
        script={"JobMap": [mapped(Group()), {**mapped(Group()), "attempt": 1}], "CheckOutput": [INCOMPLETE, COMPLETE]},
    ),
    "the notice of a retry cannot be sent": Way(
        f"{START} CheckOutput IsComplete NotifyRetrying WaitBeforeRetry JobMap Work CheckOutput IsComplete "
        "NotifySucceeded RunSucceeded",
        PLAIN,
        script={
            "JobMap": [mapped(Group()), {**mapped(Group()), "attempt": 1}],
            "CheckOutput": [INCOMPLETE, COMPLETE],
            "NotifyRETRYING": ["no post"],
        },
    ),
    "the notice of success cannot be sent": Way(
        f"{START} CheckOutput IsComplete NotifySucceeded RunFailed",
        PLAIN,
        ends="FAILED",
        cause="the notice could not be sent",
        script={"NotifySUCCEEDED": ["no post"]},
    ),
    "tasks are left out": Way(
        f"{START} CheckOutput IsComplete NotifyPartial RunPartial",
        PLAIN,
        ends="FAILED",
        cause="3 of 1,000 left out",
        script={"CheckOutput": [PARTIAL]},
    ),
    "the notice of tasks left out cannot be sent": Way(
        f"{START} CheckOutput IsComplete NotifyPartial RunPartial",
        PLAIN,
        ends="FAILED",
        cause="3 of 1,000 left out",
        script={"CheckOutput": [PARTIAL], "NotifyPARTIAL": ["no post"]},
    ),
    "the notice of failure cannot be sent": Way(
        "Split IsClaimed NotifyFailed RunFailed",
        ends="FAILED",
        cause="a bad drop",
        script={"Split": [{"verdict": "INVALID", "reason": "a bad drop"}], "NotifyFAILED": ["no post"]},
    ),
}


@dataclass(frozen=True)
class Walked:
    """What became of a way: the answer of DescribeExecution, and the execution's history."""

    outcome: dict[str, Any]
    history: list[dict[str, Any]]

    @property
    def states(self) -> list[str]:
        return [
            event["stateEnteredEventDetails"]["name"] for event in self.history if "stateEnteredEventDetails" in event
        ]


@pytest.fixture(scope="module")
def walked(mill: Mill) -> Iterator[dict[str, Walked]]:
    """Walk all ways at once."""
    role = mill.client("iam").create_role(RoleName="stub", AssumeRolePolicyDocument=json.dumps(ASSUMED))["Role"]["Arn"]
    arns = {name: _function(mill, role, f"stub-{name}", name) for name in FUNCTIONS}
    machines = {
        "real": _machine(mill, role, "real", arns, "1"),
        "hasty": _machine(mill, role, "hasty", arns, SHORT_LIMIT),
        "full": _machine(mill, role, "full", {**arns, "Split": _full_function(mill, role)}, "1"),
        "blind": _machine(mill, role, "blind", arns, "1", ASKED_FOR, TOO_MANY_ASKED_FOR),
        "day": _machine(mill, role, "day", arns, "24", *AT_ONCE),
    }
    definitions = {Group: _definition(mill), Gang: _gang_definition(mill)}
    states = mill.client("stepfunctions")
    started = {
        name: states.start_execution(
            stateMachineArn=machines[way.machine], input=json.dumps({"script": _script(mill, definitions, way)})
        )["executionArn"]
        for name, way in WAYS.items()
    }
    yield {name: _finish(states, arn) for name, arn in started.items()}
    for arn in machines.values():
        states.delete_state_machine(stateMachineArn=arn)


def _full_function(mill: Mill, role: str) -> str:
    """Return a function that may run no invocation at all."""
    arn = _function(mill, role, "stub-full", "Split")
    mill.client("lambda").put_function_concurrency(FunctionName="stub-full", ReservedConcurrentExecutions=0)
    return arn


def _function(mill: Mill, role: str, name: str, stands_for: str) -> str:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", STUB.read_text())
    made = mill.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": content.getvalue()},
        Environment={"Variables": {"NAME": stands_for}},
        Timeout=20,
    )
    return str(made["FunctionArn"])


def _machine(
    mill: Mill, role: str, name: str, functions: dict[str, str], hours: str, part: str = "", instead: str = ""
) -> str:
    """Make a machine of the real text, with something else for a part of it; waits between its tries are shortened."""
    assert part in asl.TEXT
    text = asl.TEXT.replace(part, instead, 1) if part else asl.TEXT
    text = text.replace("${MaxRunHours}", hours)
    for function, arn in functions.items():
        text = text.replace(f"${{{function}FunctionArn}}", arn)
    text = re.sub(r"IntervalSeconds: \d+", "IntervalSeconds: 1", text)
    text = re.sub(r"MaxDelaySeconds: \d+", "MaxDelaySeconds: 1", text)
    definition = json.dumps(asl.yaml.safe_load(text))
    made = mill.client("stepfunctions").create_state_machine(name=f"ways-{name}", definition=definition, roleArn=role)
    return str(made["stateMachineArn"])


def _definition(mill: Mill) -> str:
    container = {
        "image": "none",
        "command": ["sh", "-c", "Ref::command"],
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
    }
    made = mill.client("batch").register_job_definition(
        jobDefinitionName="ways", type="container", containerProperties=container, parameters={"command": "true"}
    )
    return str(made["jobDefinitionArn"])


def _gang_definition(mill: Mill) -> str:
    container = {
        "image": "none",
        "command": ["true"],
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
    }
    nodes = {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": [{"targetNodes": "0:", "container": container}]}
    made = mill.client("batch").register_job_definition(
        jobDefinitionName="gangs", type="multinode", nodeProperties=nodes
    )
    return str(made["jobDefinitionArn"])


def _script(mill: Mill, definitions: dict[type, str], way: Way) -> str:
    def plain(job: Group | Gang) -> dict[str, Any]:
        common = {
            "name": "way",
            "queue": mill.outputs["CpuQueueArn"],
            "definition": job.definition or definitions[type(job)],
            "timeout": 60,
        }
        return {**common, **(grouped(job) if isinstance(job, Group) else overridden(job))}

    def overridden(gang: Gang) -> dict[str, Any]:
        overrides = {"TargetNodes": "0:", "ContainerOverrides": {"Command": ["sh", "-c", gang.command]}}
        return {"nodes": {"NodePropertyOverrides": [overrides]}}

    def grouped(group: Group) -> dict[str, Any]:
        return {
            "size": group.size,
            "resources": [{"Type": "VCPU", "Value": "1"}],
            "parameters": {"command": group.command},
        }

    return json.dumps(way.steps, default=plain)


def _finish(states: Any, arn: str) -> Walked:
    Mill._until(
        lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING", 120, f"{arn} goes on and on"
    )
    pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
    return Walked(states.describe_execution(executionArn=arn), [event for page in pages for event in page["events"]])


@pytest.mark.parametrize("name", WAYS)
def test_each_way_leads_where_it_must(walked, name):
    way, done = WAYS[name], walked[name]
    top = asl.definition()["States"]
    assert " ".join(state for state in done.states if state in top) == way.top
    if way.inside is not None:
        assert {state for state in done.states if state not in top} == set(way.inside.split())
    assert done.outcome["status"] == way.ends
    assert way.cause in done.outcome.get("cause", "")


@pytest.mark.parametrize(
    ("name", "branches", "error"),
    [
        ("a plain job", [], ""),
        ("a child of an array fails", [], ""),
        ("a job of two nodes fails", [], ""),
        ("Batch refuses a job", ["b"], "Batch.ClientException: "),
        ("Batch refuses an array", ["b"], "Batch.ClientException: "),
        ("Batch refuses one job of two branches", ["b"], "Batch.ClientException: "),
        ("Batch refuses a job of two nodes", ["m"], "Batch.ClientException: "),
        ("a job outlives the machine's patience", ["b"], "States.Timeout: "),
    ],
)
def test_check_output_is_told_why_there_was_no_job_and_batch_alone_why_one_failed(walked, name, branches, error):
    (asked,) = [
        json.loads(event["taskScheduledEventDetails"]["parameters"])
        for event in walked[name].history
        if event["type"] == "TaskScheduled" and "stub-CheckOutput" in event["taskScheduledEventDetails"]["parameters"]
    ]
    assert [branch["branch"] for branch in asked["Payload"]["refused"]] == branches
    assert [item["refused"][: len(error)] for item in asked["Payload"]["refused"]] == [error for _ in branches]


def test_every_state_was_entered(walked):
    entered = {state for walk in walked.values() for state in walk.states}
    assert entered == {name for name, _ in asl.states(asl.definition())}


def test_a_throttled_function_is_asked_again_before_the_run_fails(walked):
    scheduled = [event for event in walked["Split is throttled"].history if event["type"] == "TaskScheduled"]
    assert len([item for item in scheduled if "stub-full" in item["taskScheduledEventDetails"]["parameters"]]) == 7


def test_a_job_is_ended_with_the_task_that_gave_up_on_it(mill, walked):
    assert "States.Timeout" in json.dumps(walked["a job outlives the machine's patience"].history, default=str)
    batch = mill.client("batch")

    def ended() -> bool:
        jobs = batch.list_jobs(jobQueue=mill.outputs["CpuQueueArn"], filters=[{"name": "JOB_NAME", "values": ["way"]}])[
            "jobSummaryList"
        ]
        return all(job["status"] in ("SUCCEEDED", "FAILED") for job in jobs)

    Mill._until(ended, 10, "a job of a task that timed out runs on")


def test_looks_at_a_job_of_a_day_leave_the_history_small(walked):
    """Promise 7: what Step Functions would keep of a multi-node job of 24 hours, counted look by look."""
    done = walked["a job of two nodes takes more than a day"]
    looks, day = done.states.count("LookAtMpi"), 24 * 3600
    assert looks in (state_machine.looks(day), state_machine.looks(day) + 1)
    around = state_machine.RUN_EVENTS + state_machine.attempt_events(0, 0) + state_machine.MPI_EVENTS
    assert len(done.history) <= around + state_machine.LOOK_EVENTS * looks + 10  # EndMpi
    assert len(done.history) < HISTORY_EVENTS_MAX / 10


def test_a_job_that_nobody_can_look_at_is_ended(mill, walked):
    blind = walked["nobody can say how a job of two nodes stands"]
    (job,) = {
        json.loads(event["stateExitedEventDetails"]["output"])["job"]
        for event in blind.history
        if event.get("stateExitedEventDetails", {}).get("name") == "EndMpi"
    }
    (described,) = mill.client("batch").describe_jobs(jobs=[job])["jobs"]
    assert described["statusReason"] == "given up by the state machine"


def test_the_state_stays_small(walked):
    """Promise 7: what the machine carries does not grow with what happens."""
    for walk in walked.values():
        assert all(len(json.dumps(event, default=str)) < 32 * 1024 for event in walk.history)
