"""CloudWatch Logs: log groups."""

from embedded_aws.services.cloudformation.resources.base import (
    Context,
    PhysicalResource,
    Properties,
    ResourceType,
    words,
)


def _create_log_group(context: Context, properties: Properties) -> PhysicalResource:
    name = context.name(properties.get("LogGroupName"))
    context.client("logs").create_log_group(logGroupName=name)
    arn = f"arn:aws:logs:{context.settings.region}:{context.settings.account}:log-group:{name}:*"
    return _retain(context, PhysicalResource(name, {"Arn": arn}), properties)


def _retain(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    if "RetentionInDays" in properties:
        days = int(properties["RetentionInDays"])
        context.client("logs").put_retention_policy(logGroupName=resource.ref, retentionInDays=days)
    else:
        context.client("logs").delete_retention_policy(logGroupName=resource.ref)
    return resource


RESOURCE_TYPES = {
    "AWS::Logs::LogGroup": ResourceType(
        _create_log_group,
        lambda context, resource: context.client("logs").delete_log_group(logGroupName=resource.ref),
        words("LogGroupName RetentionInDays"),
        update=_retain,
        fixed=words("LogGroupName"),
    ),
}
