"""CloudFormation of the embedded AWS is strict: nothing is lost, a failure is undone, a change reaches what follows."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gristmill.cli.main import call
from gristmill.errors import ExitCode
from tests.integration.mill import Mill

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 1}}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "one"}}
FAILS = {"Type": "AWS::SNS::Subscription", "Properties": {"TopicArn": "arn:aws:sns:us-east-1:123456789012:none"}}
FAILS["Properties"] |= {"Protocol": "email", "Endpoint": "a@example.org"}
COMMAND = {"Image": "none", "Command": ["true"], "ResourceRequirements": []}
COMMAND["ResourceRequirements"] = [{"Type": "VCPU", "Value": "1"}, {"Type": "MEMORY", "Value": "64"}]
DEFINITION = {"Type": "AWS::Batch::JobDefinition", "Properties": {"Type": "container", "ContainerProperties": COMMAND}}


@dataclass
class Stack:
    """A stack of its own name, and what CloudFormation tells of it."""

    mill: Mill
    name: str = field(default_factory=lambda: f"strict-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.cloudformation = self.mill.client("cloudformation")

    def create(self, resources: dict[str, Any], **sections: Any) -> str:
        self.cloudformation.create_stack(StackName=self.name, **_body(resources, sections))
        return self.status

    def update(self, resources: dict[str, Any], **sections: Any) -> str:
        self.cloudformation.update_stack(StackName=self.name, **_body(resources, sections))
        return self.status

    def delete(self) -> None:
        self.cloudformation.delete_stack(StackName=self.name)

    @property
    def status(self) -> str:
        return str(self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])

    @property
    def outputs(self) -> dict[str, str]:
        described = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0].get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in described}

    @property
    def ids(self) -> dict[str, str]:
        described = self.cloudformation.describe_stack_resources(StackName=self.name)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in described}

    @property
    def reasons(self) -> str:
        events = self.cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)


def _body(resources: dict[str, Any], sections: dict[str, Any]) -> dict[str, Any]:
    given = sections.pop("given", {})
    return {
        "TemplateBody": json.dumps({"Resources": resources, **sections}),
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
        "Capabilities": ["CAPABILITY_IAM"],
    }


@pytest.fixture
def stack(mill: Mill) -> Iterator[Stack]:
    shown = Stack(mill)
    yield shown
    shown.delete()


def queue(stack: Stack, name: str) -> dict[str, str]:
    """Return a queue's attributes; QueueDoesNotExist where there is none."""
    described = stack.mill.client("sqs").get_queue_attributes(QueueUrl=stack.ids[name], AttributeNames=["All"])
    attributes: dict[str, str] = described["Attributes"]
    return attributes


def test_what_would_be_lost_is_an_error_that_names_all_of_it(stack):
    resources = {
        "Good": QUEUE,
        "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "s"}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True, "KmsMasterKeyId": "k"}},
        "Topic": {**TOPIC, "CreationPolicy": {}},
    }
    assert stack.create(resources) == "ROLLBACK_COMPLETE"
    for word in ("AWS::Kinesis::Stream", "FifoQueue", "KmsMasterKeyId", "CreationPolicy"):
        assert word in stack.reasons
    assert stack.ids == {}


def test_a_property_inside_a_property_is_not_lost_either(stack):
    rule = {"Status": "Enabled", "Id": "a", "ExpiredObjectDeleteMarker": True}
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"LifecycleConfiguration": {"Rules": [rule]}}}
    assert stack.create({"Bucket": bucket}) == "ROLLBACK_COMPLETE"
    assert "ExpiredObjectDeleteMarker" in stack.reasons


@pytest.mark.parametrize(
    ("resources", "sections", "words"),
    [
        ({"Q": QUEUE}, {"Macros": {}}, "Macros"),
        ({"Q": {**QUEUE, "Properties": {"QueueName": {"Ref": "Nobody"}}}}, {}, "Nobody"),
        ({"Q": QUEUE}, {"Outputs": {"O": {"Value": {"Fn::GetAtt": ["Q", "Colour"]}}}}, "Colour"),
        ({"Q": {**QUEUE, "Properties": {"QueueName": {"Fn::Cidr": ["1", "2"]}}}}, {}, "Fn::Cidr"),
        ({"A": {**QUEUE, "DependsOn": "B"}, "B": {**QUEUE, "DependsOn": "A"}}, {}, "Circular"),
        ({"Q": QUEUE}, {"Parameters": {"P": {"Type": "Number", "MinValue": 3, "Default": 1}}}, "between 3 and"),
        ({"Q": QUEUE}, {"Parameters": {"P": {"Type": "String"}}}, "parameter P must have a value"),
        ({"Q": QUEUE}, {"given": {"P": "1"}}, "there is no parameter P"),
        ({"Q": QUEUE}, {"Transform": "AWS::Include"}, "AWS::Include"),
    ],
)
def test_what_cannot_be_resolved_is_an_error_and_no_empty_text(stack, resources, sections, words):
    assert stack.create(resources, **dict(sections)) == "ROLLBACK_COMPLETE"
    assert words in stack.reasons
    assert stack.ids == {}


def test_the_templates_own_rules_hold(stack):
    assertion = {"Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "B"}, ""]}]}, "AssertDescription": "A needs B"}
    sections = {
        "Parameters": {name: {"Type": "String", "Default": ""} for name in "AB"},
        "Rules": {"R": {"RuleCondition": {"Fn::Equals": [{"Ref": "A"}, "yes"]}, "Assertions": [assertion]}},
    }
    assert stack.create({"Q": QUEUE}, **sections) == "CREATE_COMPLETE"
    assert stack.update({"Q": QUEUE}, **sections, given={"A": "yes"}) == "UPDATE_ROLLBACK_COMPLETE"
    assert "A needs B" in stack.reasons


def test_a_create_that_fails_leaves_nothing(stack):
    assert stack.create({"Q": QUEUE, "Fails": {**FAILS, "DependsOn": "Q"}}) == "ROLLBACK_COMPLETE"
    assert stack.ids == {}
    names = stack.mill.client("sqs").list_queues(QueueNamePrefix=stack.name).get("QueueUrls", [])
    assert names == []


def test_an_update_that_fails_is_undone_what_was_replaced_included(stack):
    outputs = {"Outputs": {"Definition": {"Value": {"Ref": "D"}}}}
    stack.create({"Q": QUEUE, "D": DEFINITION}, **outputs)
    before = (stack.ids, stack.outputs)
    changed = {
        "Q": {**QUEUE, "Properties": {"DelaySeconds": 7}},
        "D": {**DEFINITION, "Properties": {**DEFINITION["Properties"], "Timeout": {"AttemptDurationSeconds": 99}}},
        "New": TOPIC,
        "Fails": {**FAILS, "DependsOn": ["Q", "D", "New"]},
    }
    assert stack.update(changed, **outputs) == "UPDATE_ROLLBACK_COMPLETE"
    assert (stack.ids, stack.outputs) == before
    assert queue(stack, "Q")["DelaySeconds"] == "1"
    assert stack.update(changed | {"Fails": TOPIC}, **outputs) == "UPDATE_COMPLETE"


def test_a_change_is_made_in_place_and_what_hangs_on_it_stays(stack):
    subscription = {"Type": "AWS::SNS::Subscription", "Properties": {"TopicArn": {"Ref": "T"}, "Protocol": "email"}}
    subscription["Properties"] |= {"Endpoint": "a@example.org", "FilterPolicy": {"status": ["FAILED"]}}
    stack.create({"Q": QUEUE, "T": TOPIC, "S": subscription})
    stack.mill.client("sqs").send_message(QueueUrl=stack.ids["Q"], MessageBody="kept")
    before = stack.ids
    filtered = {**subscription, "Properties": {**subscription["Properties"], "FilterPolicy": {"status": ["ABORTED"]}}}
    changed = {
        "Q": {**QUEUE, "Properties": {"DelaySeconds": 0}},
        "T": {**TOPIC, "Properties": {"DisplayName": "two"}},
        "S": filtered,
    }
    assert stack.update(changed) == "UPDATE_COMPLETE"
    assert stack.ids == before
    assert queue(stack, "Q")["DelaySeconds"] == "0"
    sns = stack.mill.client("sns")
    assert sns.get_topic_attributes(TopicArn=before["T"])["Attributes"]["DisplayName"] == "two"
    policy = sns.get_subscription_attributes(SubscriptionArn=before["S"])["Attributes"]["FilterPolicy"]
    assert json.loads(policy) == {"status": ["ABORTED"]}
    messages = stack.mill.client("sqs").receive_message(QueueUrl=before["Q"], WaitTimeSeconds=2)["Messages"]
    assert [message["Body"] for message in messages] == ["kept"]


def test_a_managed_policy_keeps_its_arn_through_changes_and_goes_even_where_it_is_attached(stack):
    def policy(action: str) -> dict[str, Any]:
        statement = [{"Effect": "Allow", "Action": action, "Resource": "*"}]
        document = {"Version": "2012-10-17", "Statement": statement}
        return {"P": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}}

    outputs = {"Outputs": {"Arn": {"Value": {"Ref": "P"}}}}
    assert stack.create(policy("s3:GetObject"), **outputs) == "CREATE_COMPLETE"
    arn, iam = stack.outputs["Arn"], stack.mill.client("iam")
    for number in range(6):  # a policy has five versions at most
        assert stack.update(policy(f"s3:Get{number}"), **outputs) == "UPDATE_COMPLETE"
    assert stack.outputs["Arn"] == arn
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Action"] == "s3:Get5"
    iam.create_user(UserName="pusher")
    iam.attach_user_policy(UserName="pusher", PolicyArn=arn)
    stack.delete()
    assert iam.list_attached_user_policies(UserName="pusher")["AttachedPolicies"] == []
    iam.delete_user(UserName="pusher")
    stack.create({"Q": QUEUE})


def test_what_refers_to_a_replaced_resource_follows_it(stack):
    parameter = {"Parameters": {"Seconds": {"Type": "Number", "Default": 60}}}
    definition = json.loads(json.dumps(DEFINITION))
    definition["Properties"]["Timeout"] = {"AttemptDurationSeconds": {"Ref": "Seconds"}}
    rule = {
        "Type": "AWS::Events::Rule",
        "Properties": {"EventPattern": {"source": ["none"]}, "Description": {"Fn::Sub": "for ${D}"}},
    }
    stack.create({"D": definition, "R": rule}, **parameter)
    old = stack.ids["D"]
    assert stack.update({"D": definition, "R": rule}, **parameter, given={"Seconds": "90"}) == "UPDATE_COMPLETE"
    assert stack.ids["D"] != old
    described = stack.mill.client("events").describe_rule(Name=stack.ids["R"])
    assert described["Description"] == f"for {stack.ids['D']}"
    (current,) = stack.mill.client("batch").describe_job_definitions(jobDefinitions=[stack.ids["D"]])["jobDefinitions"]
    assert current["timeout"] == {"attemptDurationSeconds": 90}


def test_what_is_gone_from_the_template_is_gone(stack):
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"NotificationConfiguration": {}, "Tags": []}}
    bucket["Properties"] = {
        "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        "LifecycleConfiguration": {"Rules": [{"Id": "a", "Status": "Enabled", "ExpirationInDays": 3}]},
        "VersioningConfiguration": {"Status": "Enabled"},
    }
    targets = [{"Id": name, "Arn": {"Fn::GetAtt": [name, "Arn"]}} for name in ("A", "B")]
    rule = {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": ["none"]}, "Targets": targets}}
    stack.create({"A": QUEUE, "B": QUEUE, "R": rule, "Bucket": bucket})
    fewer = {**rule, "Properties": {**rule["Properties"], "Targets": targets[:1]}}
    assert stack.update({"A": QUEUE, "R": fewer, "Bucket": {"Type": "AWS::S3::Bucket"}}) == "UPDATE_COMPLETE"
    assert set(stack.ids) == {"A", "R", "Bucket"}
    described = stack.mill.client("events").list_targets_by_rule(Rule=stack.ids["R"])["Targets"]
    assert [item["Id"] for item in described] == ["A"]
    s3 = stack.mill.client("s3")
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=stack.ids["Bucket"])
    assert s3.get_bucket_versioning(Bucket=stack.ids["Bucket"])["Status"] == "Suspended"


def test_a_new_name_or_type_replaces(stack):
    stack.create({"Q": {**QUEUE, "Properties": {"QueueName": f"{stack.name}-one"}}, "X": QUEUE})
    old = stack.ids
    assert stack.update({"Q": {**QUEUE, "Properties": {"QueueName": f"{stack.name}-two"}}, "X": TOPIC}) == (
        "UPDATE_COMPLETE"
    )
    assert stack.ids["Q"].endswith("-two")
    assert ":sns:" in stack.ids["X"]
    urls = stack.mill.client("sqs").list_queues(QueueNamePrefix=stack.name)["QueueUrls"]
    assert not set(urls) & set(old.values())


def test_a_deploy_without_a_change_is_told_so(stack):
    stack.create({"Q": QUEUE, "T": {"Type": "AWS::SNS::Topic"}})
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stack.update({"Q": QUEUE, "T": {"Type": "AWS::SNS::Topic"}})


def test_delete_removes_all_but_what_is_to_be_retained(stack):
    kept = {**QUEUE, "DeletionPolicy": "Retain", "Properties": {"QueueName": f"{stack.name}-kept"}}
    stack.create({"Q": QUEUE, "Kept": kept, "T": TOPIC})
    ids = stack.ids
    stack.delete()
    with pytest.raises(ClientError, match="does not exist"):
        stack.cloudformation.describe_stacks(StackName=stack.name)
    assert stack.mill.client("sqs").list_queues(QueueNamePrefix=stack.name)["QueueUrls"] == [ids["Kept"]]
    with pytest.raises(ClientError, match="NotFound"):
        stack.mill.client("sns").get_topic_attributes(TopicArn=ids["T"])


def test_a_bucket_that_holds_something_refuses_to_be_deleted(stack):
    stack.create({"Bucket": {"Type": "AWS::S3::Bucket"}})
    s3, bucket = stack.mill.client("s3"), stack.ids["Bucket"]
    s3.put_object(Bucket=bucket, Key="grain", Body=b"1")
    stack.delete()
    assert stack.status == "DELETE_FAILED"
    assert "not empty" in stack.reasons
    assert s3.get_object(Bucket=bucket, Key="grain")["Body"].read() == b"1"
    s3.delete_object(Bucket=bucket, Key="grain")


@pytest.mark.parametrize("name", ["1mill", "my_mill", "m" * 129, "mühle", "-mill", "my.mill"])
def test_a_name_that_no_stack_has_is_refused_before_anything_is_made(mill: Mill, name: str):
    with pytest.raises(ClientError, match="at 'stackName' failed to satisfy constraint"):
        Stack(mill, name).create({"Queue": QUEUE})
    assert name not in [
        summary["StackName"] for summary in mill.client("cloudformation").list_stacks()["StackSummaries"]
    ]


def test_what_takes_small_letters_alone_gets_them_from_any_name_of_a_stack(mill: Mill):
    kinds = {"Bucket": "AWS::S3::Bucket", "Repository": "AWS::ECR::Repository", "Queue": "AWS::SQS::Queue"}
    stack = Stack(mill, "My-Mill" + "X" * 121)
    assert stack.create({name: {"Type": kind} for name, kind in kinds.items()}) == "CREATE_COMPLETE"
    assert stack.ids["Bucket"].startswith("my-millxxx")
    assert stack.ids["Repository"] == stack.ids["Repository"].lower()
    stack.delete()


def test_a_deleted_stack_is_listed_and_commands_tell_when_it_went(mill: Mill, monkeypatch, capsys):
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    stack = Stack(mill)
    assert call(["--stack", stack.name, "runs"]) == ExitCode.UNREACHABLE
    assert f"there is no stack '{stack.name}' at local" in capsys.readouterr().err
    stack.create({"Queue": QUEUE})
    assert call(["--stack", stack.name, "runs"]) == ExitCode.UNREACHABLE
    assert f"stack '{stack.name}' is in CREATE_COMPLETE, and has no outputs." in capsys.readouterr().err
    stack.delete()
    listed = mill.client("cloudformation").list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    (gone,) = [item for item in listed if item["StackName"] == stack.name]
    assert gone["DeletionTime"] >= gone["CreationTime"]
    assert call(["--stack", stack.name, "runs"]) == ExitCode.UNREACHABLE
    assert f"was deleted at {gone['DeletionTime']:%Y-%m-%d %H:%M:%S}" in capsys.readouterr().err


def test_an_update_with_a_value_that_breaks_a_rule_is_refused_with_the_rule(mill):
    """The template stays as it is, so that nothing but the value is new."""
    cloudformation = mill.client("cloudformation")
    template = {
        "Parameters": {"Place": {"Type": "String", "Default": "/a", "AllowedPattern": "^/[a-z]+$"}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Place"}}}},
    }
    named = {"StackName": "ruled", "TemplateBody": json.dumps(template)}
    cloudformation.create_stack(**named)
    with pytest.raises(ClientError, match=r"ValidationError.*parameter Place = 'b'"):
        cloudformation.update_stack(**named, Parameters=[{"ParameterKey": "Place", "ParameterValue": "b"}])
    (stack,) = cloudformation.describe_stacks(StackName="ruled")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    cloudformation.delete_stack(StackName="ruled")


def index(attribute: str) -> dict[str, Any]:
    return {
        "IndexName": f"by-{attribute}",
        "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }


def a_table(*indexed: str, **more: Any) -> dict[str, Any]:
    properties = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("id", *indexed)],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        **({"GlobalSecondaryIndexes": [index(name) for name in indexed]} if indexed else {}),
        **more,
    }
    return {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}}


KEPT = {
    "SSESpecification": {"SSEEnabled": "true"},
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
    "DeletionProtectionEnabled": True,
}


def described(stack: Stack) -> tuple[dict[str, Any], bool, str | None]:
    """Return a table, whether it can be brought back to a moment, and the attribute by which its items expire."""
    client, table = stack.mill.client("dynamodb"), {"TableName": stack.ids["Table"]}
    recovery = client.describe_continuous_backups(**table)["ContinuousBackupsDescription"]
    ttl = client.describe_time_to_live(**table)["TimeToLiveDescription"]
    status = recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    expires = ttl.get("AttributeName") if ttl["TimeToLiveStatus"] == "ENABLED" else None
    return client.describe_table(**table)["Table"], status == "ENABLED", expires


def test_a_table_is_as_the_template_says_and_changes_with_it(stack):
    outputs = {"Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Table", "Arn"]}}, "Name": {"Value": {"Ref": "Table"}}}}
    assert stack.create(a_table("a", "b", **KEPT), **outputs) == "CREATE_COMPLETE", stack.reasons
    table, recovers, expires = described(stack)
    assert [item["IndexName"] for item in table["GlobalSecondaryIndexes"]] == ["by-a", "by-b"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert (table["SSEDescription"]["Status"], table["DeletionProtectionEnabled"]) == ("ENABLED", True)
    assert (recovers, expires) == (True, "expires")
    assert (stack.outputs["Name"], stack.outputs["Arn"]) == (table["TableName"], table["TableArn"])
    stack.mill.client("dynamodb").put_item(TableName=table["TableName"], Item={"id": {"S": "x"}, "a": {"S": "y"}})

    assert stack.update(a_table("a", "b", "c"), **outputs) == "UPDATE_COMPLETE", stack.reasons
    table, recovers, expires = described(stack)
    assert [item["IndexName"] for item in table["GlobalSecondaryIndexes"]] == ["by-a", "by-b", "by-c"]
    assert (recovers, expires, table["DeletionProtectionEnabled"]) == (False, None, False)
    assert table["ItemCount"] == 1  # it is the same table
    assert stack.update(a_table("b", "c"), **outputs) == "UPDATE_COMPLETE", stack.reasons
    assert [item["IndexName"] for item in described(stack)[0]["GlobalSecondaryIndexes"]] == ["by-b", "by-c"]


def test_two_indexes_neither_come_nor_go_in_one_update(stack):
    assert stack.create(a_table("a", "b")) == "CREATE_COMPLETE", stack.reasons
    for indexed in (("c", "d"), (), ("a", "c"), ("a", "b", "c", "d")):
        assert stack.update(a_table(*indexed)) == "UPDATE_ROLLBACK_COMPLETE"
        assert "Cannot perform more than one GSI creation or deletion in a single update" in stack.reasons
        assert [item["IndexName"] for item in described(stack)[0]["GlobalSecondaryIndexes"]] == ["by-a", "by-b"]


def test_a_table_that_is_protected_is_not_deleted(stack):
    assert stack.create(a_table(DeletionProtectionEnabled=True)) == "CREATE_COMPLETE", stack.reasons
    stack.delete()
    assert stack.status == "DELETE_FAILED"
    assert stack.update({**a_table(DeletionProtectionEnabled=False), "Q": QUEUE}) == "UPDATE_COMPLETE", stack.reasons


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"BillingMode": "PROVISIONED"}, "tables on demand alone"),
        ({"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}}, "StreamSpecification"),
        ({"GlobalSecondaryIndexes": [{**index("id"), "ContributorInsightsSpecification": {}}]}, "ContributorInsights"),
        ({"PointInTimeRecoverySpecification": {"Days": 3}}, "Days"),
        ({"KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}]}, ""),
    ],
)
def test_of_a_table_nothing_is_lost(stack, more: dict[str, Any], word: str):
    assert stack.create(a_table(**more)) == "ROLLBACK_COMPLETE"
    assert word in stack.reasons
    assert stack.ids == {}
