"""DynamoDB: tables on demand, their indexes, and how their items are kept."""

from typing import Any

from embedded_aws.services.cloudformation.resources.base import (
    Context,
    PhysicalResource,
    Properties,
    ResourceType,
    recase,
    request,
    words,
)

_ON_DEMAND = "PAY_PER_REQUEST"
_ALSO_MADE = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes", "DeletionProtectionEnabled")


def _create_table(context: Context, properties: Properties) -> PhysicalResource:
    _check_billing(properties)
    client = context.client("dynamodb")
    name = context.name(properties.get("TableName"), longest=255)
    given = {key: properties[key] for key in _ALSO_MADE if key in properties}
    made = client.create_table(
        TableName=name, **request(client, "CreateTable", given), **_encryption(client, properties)
    )
    return _keep(context, PhysicalResource(name, {"Arn": made["TableDescription"]["TableArn"]}), properties)


def _update_table(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    """Bring a table to its properties; as on AWS, one index comes or goes in one update of the stack."""
    _check_billing(properties)
    client = context.client("dynamodb")
    wanted = request(client, "CreateTable", {"GlobalSecondaryIndexes": properties.get("GlobalSecondaryIndexes", [])})
    changes = _index_changes(_indexes(client, resource.ref), wanted["GlobalSecondaryIndexes"])
    if changes:
        attributes = request(client, "UpdateTable", {"AttributeDefinitions": properties["AttributeDefinitions"]})
        client.update_table(TableName=resource.ref, GlobalSecondaryIndexUpdates=changes, **attributes)
    protected = properties.get("DeletionProtectionEnabled", False) in (True, "true")
    encryption = _encryption(client, {"SSESpecification": {"SSEEnabled": False}, **properties})
    client.update_table(TableName=resource.ref, DeletionProtectionEnabled=protected, **encryption)
    return _keep(context, resource, properties)


def _check_billing(properties: Properties) -> None:
    if properties.get("BillingMode") != _ON_DEMAND:
        raise ValueError(f"the embedded AWS knows tables on demand alone: BillingMode {_ON_DEMAND}")


def _encryption(client: Any, properties: Properties) -> Properties:
    if "SSESpecification" not in properties:
        return {}
    given = {{"SSEEnabled": "Enabled"}.get(key, key): value for key, value in properties["SSESpecification"].items()}
    made: Properties = request(client, "CreateTable", {"SSESpecification": given})
    return made


def _indexes(client: Any, table: str) -> list[Properties]:
    """Return the indexes that stand, in the words of a request to make them."""
    known = words("IndexName KeySchema Projection")
    standing = client.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", [])
    return [{key: value for key, value in index.items() if key in known} for index in standing]


def _index_changes(standing: list[Properties], wanted: list[Properties]) -> list[Properties]:
    """Return the one index to make or to delete, if any; more at once, or another one in its place, is refused."""
    gone = [{"Delete": {"IndexName": index["IndexName"]}} for index in standing if index not in wanted]
    new = [{"Create": index} for index in wanted if index not in standing]
    if len(gone) + len(new) > 1:
        raise ValueError("Cannot perform more than one GSI creation or deletion in a single update")
    return [*gone, *new]


def _keep(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    """Set how long items live, and whether the table can be brought back to a moment."""
    client, table = context.client("dynamodb"), {"TableName": resource.ref}
    recovery = properties.get("PointInTimeRecoverySpecification", {"PointInTimeRecoveryEnabled": False})
    shape = client.meta.service_model.operation_model("UpdateContinuousBackups").input_shape
    client.update_continuous_backups(
        **table,
        PointInTimeRecoverySpecification=recase(recovery, shape.members["PointInTimeRecoverySpecification"]),
    )
    standing = client.describe_time_to_live(**table)["TimeToLiveDescription"]
    wanted = request(
        client, "UpdateTimeToLive", {"TimeToLiveSpecification": properties.get("TimeToLiveSpecification", {})}
    )["TimeToLiveSpecification"]
    is_kept = standing["TimeToLiveStatus"] == "ENABLED"
    if is_kept and standing.get("AttributeName") != wanted.get("AttributeName"):
        off = {"Enabled": False, "AttributeName": standing["AttributeName"]}
        client.update_time_to_live(**table, TimeToLiveSpecification=off)
    if wanted and (wanted.get("Enabled"), wanted.get("AttributeName")) != (is_kept, standing.get("AttributeName")):
        client.update_time_to_live(**table, TimeToLiveSpecification=wanted)
    return resource


RESOURCE_TYPES = {
    "AWS::DynamoDB::Table": ResourceType(
        _create_table,
        lambda context, resource: context.client("dynamodb").delete_table(TableName=resource.ref),
        words(
            "AttributeDefinitions BillingMode DeletionProtectionEnabled GlobalSecondaryIndexes KeySchema "
            "PointInTimeRecoverySpecification SSESpecification TableName TimeToLiveSpecification"
        ),
        ignored={"Tags": "only for people, in AWS's console"},
        update=_update_table,
        fixed=words("TableName KeySchema"),
    ),
}
