"""The template stays literal, so what is near-equal in it is held equal here, but for what may differ."""

import json
import re
from copy import deepcopy
from typing import Any

import pytest

import gristmill
from embedded_aws.services.cloudformation.template import parse
from gristmill import keys
from gristmill.batch.lanes import Lane, read_lanes
from gristmill.client.stack import DEFINITIONS
from gristmill.enums import LaneName
from tests import asl
from tests.project import PROJECT

TEXT = (PROJECT / "template.yaml").read_text()
TEMPLATE = parse(TEXT)
RESOURCES = TEMPLATE["Resources"]
KINDS = {
    "slices of tasks": ("CpuJobDefinition", "ScienceJobDefinition", "GenomicsJobDefinition", "GpuJobDefinition"),
    "nodes": ("MpiJobDefinition", "MpiScienceJobDefinition", "MpiGpuJobDefinition"),
    "commands": ("CommandJobDefinition", "CommandGpuJobDefinition"),
    "queues": ("CpuQueue", "GpuQueue", "MpiQueue"),
    "environments": ("CpuEnvironment", "GpuEnvironment", "MpiEnvironment"),
    "roles of jobs": ("JobRole", "MpiJobRole", "CommandRole"),
    "logs of functions": ("SplitLogs", "JobMapLogs", "MergeLogs", "CheckOutputLogs", "NotifyLogs", "WebhookLogs"),
}
MAY_DIFFER = {
    "slices of tasks": {"Image", "ResourceRequirements"},
    "nodes": {"Image", "ResourceRequirements"},
    "commands": {"Image", "ResourceRequirements"},
    "queues": {"ComputeEnvironment"},
    "environments": {"Type", "AllocationStrategy", "MaxvCpus", "InstanceTypes", "Ec2Configuration"}
    | {"PlacementGroup", "LaunchTemplate", "Subnets", "SecurityGroupIds"},
    "roles of jobs": {"Policies"},
    "logs of functions": {"LogGroupName"},
}


def common(value: Any, differing: set[str]) -> Any:
    """Return what is left of a value without the keys that may differ."""
    if isinstance(value, dict):
        return {key: common(item, differing) for key, item in value.items() if key not in differing}
    return [common(item, differing) for item in value] if isinstance(value, list) else value


def body(name: str, kind: str) -> Any:
    """Return the properties that a resource shares with others of its kind."""
    properties = deepcopy(RESOURCES[name]["Properties"])
    own = properties.get("Type") if kind == "environments" else None  # MANAGED, apart from ComputeResources' own Type
    return own, common(properties, MAY_DIFFER[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_resources_of_a_kind_are_equal_but_for_what_may_differ(kind: str):
    first, *others = KINDS[kind]
    for other in others:
        assert body(other, kind) == body(first, kind), f"{other} differs from {first}"


@pytest.mark.parametrize("kind", KINDS)
def test_what_may_differ_is_there_at_all(kind: str):
    text = json.dumps([RESOURCES[name] for name in KINDS[kind]])
    assert [key for key in MAY_DIFFER[kind] if f'"{key}"' not in text] == []


def test_every_resource_with_brothers_is_held():
    held = {name for names in KINDS.values() for name in names} | {"CommandNodesJobDefinition"}  # alone of its shape
    kinds = {"AWS::Batch::JobDefinition", "AWS::Batch::JobQueue", "AWS::Batch::ComputeEnvironment"}
    assert [name for name, made in RESOURCES.items() if made["Type"] in kinds and name not in held] == []


def test_resources_that_need_gpus_are_under_the_condition_and_no_others():
    gpu = {name for names in KINDS.values() for name in names if "Gpu" in name}
    assert {name for name, made in RESOURCES.items() if made.get("Condition") == "HasGpu"} == gpu


def kind_of(name: str, resource: str) -> str:
    """Return what a state of the machine does, as far as its retries go."""
    if resource.endswith("lambda:invoke"):
        return "notices" if name.startswith("Notify") else "functions"
    return "submissions" if "submitJob" in resource else "looks at jobs"


RETRIES_MAY_DIFFER = {
    "functions": set(),
    "notices": {"MaxAttempts"},  # the notice of a success is tried once more
    "submissions": {"ErrorEquals"},  # the two integrations name one error differently
    "looks at jobs": {"MaxAttempts"},
}
# nothing else sends the notice of a success that another invocation was about to send
RETRIES_OF_ITS_OWN = {("NotifySucceeded", "StillSending")}


def test_retries_of_the_state_machine_are_equal_by_kind():
    seen: dict[str, list[Any]] = {kind: [] for kind in RETRIES_MAY_DIFFER}
    for name, state in asl.states(asl.definition()):
        if "Retry" in state:
            kind = kind_of(name, state["Resource"])
            shared = [retry for retry in state["Retry"] if (name, retry["ErrorEquals"][0]) not in RETRIES_OF_ITS_OWN]
            seen[kind].append(common(shared, RETRIES_MAY_DIFFER[kind]))
    assert all(len(retries) > 1 for retries in seen.values())
    assert [kind for kind, retries in seen.items() if any(retry != retries[0] for retry in retries)] == []


def test_parameters_stand_in_the_order_of_their_groups():
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert list(TEMPLATE["Parameters"]) == [name for group in groups for name in group["Parameters"]]


def test_comments_head_the_rooms_of_the_resources():
    rooms = re.findall(r"^  # -{10,} (.+)$", TEXT, re.MULTILINE)
    assert len(rooms) == len(set(rooms)) >= 7
    assert re.search(r"^Resources:\n  # -{10,}", TEXT, re.MULTILINE)


def test_the_images_tags_begin_with_the_version():
    assert TEMPLATE["Parameters"]["ImageTag"]["Default"] == gristmill.__version__
    assert gristmill.__version__ not in TEXT.replace(f"Default: {gristmill.__version__}", "")


def lanes_of(has_gpu: bool) -> dict[LaneName, Lane]:
    """Return the lanes that the template makes, in each the names of its resources."""
    text, more = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]["LANES"]["Fn::Sub"]
    gpu = more["GpuLanes"]["Fn::If"][1]["Fn::Sub"] if has_gpu else ""
    return read_lanes(re.sub(r"\$\{Max\w+}", "8", text.replace("${GpuLanes}", gpu)))


@pytest.mark.parametrize("has_gpu", [True, False])
def test_the_template_has_one_entry_for_every_lane(has_gpu: bool):
    assert set(lanes_of(has_gpu)) == {name for name in LaneName if has_gpu or "gpu" not in name}


def test_each_lanes_job_definition_is_an_output_of_the_stack():
    outputs = {name: TEMPLATE["Outputs"][output]["Value"]["Ref"] for name, output in DEFINITIONS.items()}
    assert {name: lane.definition for name, lane in lanes_of(has_gpu=True).items()} == {
        name: f"${{{resource}}}" for name, resource in outputs.items()
    }


def test_older_versions_live_longer_than_an_execution_may_take():
    """What a run reads, it reads by version; a resume needs the dropped file as long as the run's records are kept."""
    days = asl.definition()["TimeoutSeconds"] / 86_400
    kept = TEMPLATE["Parameters"]["IntermediateDays"]
    assert days < kept["MinValue"] <= kept["Default"]
    rules = {
        rule["Prefix"]: rule
        for rule in RESOURCES["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
        if "Prefix" in rule
    }
    for prefix in (keys.RUNS, keys.WORK, keys.RESULTS, *keys.GIVEN):
        older = rules[prefix]["NoncurrentVersionExpiration"]["NoncurrentDays"]
        assert days < (kept["MinValue"] if older == {"Ref": "IntermediateDays"} else older)
    for prefix in (keys.INPUTS, keys.UPLOADS, keys.REFERENCES):
        assert rules[prefix]["NoncurrentVersionExpiration"]["NoncurrentDays"] == {"Ref": "IntermediateDays"}
    assert "ExpirationInDays" not in rules[keys.REFERENCES]
    assert rules[keys.RUNS]["ExpirationInDays"] == rules[keys.WORK]["ExpirationInDays"] == {"Ref": "IntermediateDays"}
