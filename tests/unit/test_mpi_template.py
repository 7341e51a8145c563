"""What the template says of multi-node jobs: where nodes run, whom they reach, who may tell them what to run."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from embedded_aws.services.batch.engine.retry import is_retried
from embedded_aws.services.batch.model.model import Attempt
from embedded_aws.services.batch.model.nodes import is_open
from embedded_aws.services.cloudformation.template import parse
from gristmill.enums import NodeMessage
from gristmill.keys import Rendezvous
from tests.project import PROJECT

RESOURCES = parse((PROJECT / "template.yaml").read_text())["Resources"]
DEFINITIONS = ["MpiJobDefinition", "MpiScienceJobDefinition", "MpiGpuJobDefinition"]


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = RESOURCES[name]["Properties"]
    return found


def referred(name: str) -> dict[str, str]:
    return {"Ref": name}


def test_nodes_are_on_demand_hosts_of_one_cluster_placement_group_in_one_zone():
    hosts = properties("MpiEnvironment")["ComputeResources"]
    assert hosts["Type"] == "EC2"
    assert hosts["PlacementGroup"] == referred("MpiPlacementGroup")
    assert properties("MpiPlacementGroup")["Strategy"] == "cluster"
    assert (hosts["InstanceTypes"], hosts["MaxvCpus"]) == (referred("MpiInstanceTypes"), referred("MaxMpivCpus"))
    assert all(len(subnets) == 1 for subnets in hosts["Subnets"]["Fn::If"][1:])


def test_nodes_are_talked_to_by_nodes_alone():
    group = referred("MpiSecurityGroup")
    rules = [
        resource["Properties"]
        for resource in RESOURCES.values()
        if resource["Type"] == "AWS::EC2::SecurityGroupIngress"
    ]
    assert [rule["SourceSecurityGroupId"] for rule in rules if rule["GroupId"] == group] == [group]
    assert "SecurityGroupIngress" not in properties("MpiSecurityGroup")
    assert {rule["ToPort"] for rule in properties("MpiSecurityGroup")["SecurityGroupEgress"]} == {443}
    assert properties("EfaTemplate")["LaunchTemplateData"]["NetworkInterfaces"][0]["Groups"] == [group]


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_job_says_how_many_nodes_it_wants_and_all_are_alike(name: str):
    (only,) = properties(name)["NodeProperties"]["NodeRangeProperties"]
    assert is_open(only["TargetNodes"])
    container = only["Container"]
    assert container["JobRoleArn"] == {"Fn::GetAtt": ["MpiJobRole", "Arn"]}
    assert container["MountPoints"]["Fn::If"][0] == container["Volumes"]["Fn::If"][0] == "HasScratch"
    assert container["MountPoints"]["Fn::If"][1][0]["ContainerPath"] == "/scratch"
    assert container["LinuxParameters"]["Devices"]["Fn::If"][0] == "HasEfa"


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize(
    ("code", "again"), [(75, True), (78, True), (1, False), (76, False), (77, False), (137, False), (143, False)]
)
def test_lost_and_missing_nodes_are_tried_again_and_a_programs_own_errors_are_not(name: str, code: int, again: bool):
    strategy = properties(name)["RetryStrategy"]
    rules = [{key[0].lower() + key[1:]: value for key, value in rule.items()} for rule in strategy["EvaluateOnExit"]]
    ended = Attempt("stream", 0, exit_code=code, status_reason="Essential container in task exited")
    assert is_retried(ended, 1, strategy["Attempts"], rules) is again
    assert not is_retried(ended, strategy["Attempts"], strategy["Attempts"], rules)


@pytest.mark.parametrize("run", ["0123456789abcdef", "jobs"])
def test_nobody_but_nodes_writes_where_nodes_fetch_what_they_run(run: str):
    statements = properties("BucketPolicy")["PolicyDocument"]["Statement"]
    (deny,) = [statement for statement in statements if statement["Sid"] == "OnlyNodesMeet"]
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:PutObject")
    assert deny["Condition"] == {
        "ArnNotEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["MpiJobRole", "Arn"]}},
    }
    key = Rendezvous(run, "1234-abcd", 1).of(NodeMessage.LAUNCH, 1)
    patterns = [resource["Fn::Sub"].removeprefix("${Bucket.Arn}/") for resource in deny["Resource"]]
    assert any(fnmatchcase(key, pattern) for pattern in patterns)
