"""SQS: queues and their policies."""

import json

from embedded_aws.services.cloudformation.resources.base import (
    Context,
    PhysicalResource,
    Properties,
    ResourceType,
    as_text,
    nothing,
    words,
)

_QUEUE = words(
    "DelaySeconds MaximumMessageSize MessageRetentionPeriod ReceiveMessageWaitTimeSeconds VisibilityTimeout "
    "SqsManagedSseEnabled RedrivePolicy"
)


def _create_queue(context: Context, properties: Properties) -> PhysicalResource:
    name = context.name(properties.get("QueueName"), longest=80)
    attributes = {key: as_text(value) for key, value in properties.items() if key in _QUEUE}
    url = context.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = f"arn:aws:sqs:{context.settings.region}:{context.settings.account}:{name}"
    return PhysicalResource(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


def _update_queue(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    attributes = {key: as_text(value) for key, value in properties.items() if key in _QUEUE}
    context.client("sqs").set_queue_attributes(QueueUrl=resource.ref, Attributes=attributes)
    return resource


def _put_queue_policy(context: Context, properties: Properties) -> PhysicalResource:
    policy = json.dumps(properties["PolicyDocument"])
    for queue in properties["Queues"]:
        context.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    return PhysicalResource(context.name())


RESOURCE_TYPES = {
    "AWS::SQS::Queue": ResourceType(
        _create_queue,
        lambda context, resource: context.client("sqs").delete_queue(QueueUrl=resource.ref),
        _QUEUE | {"QueueName"},
        update=_update_queue,
        fixed=words("QueueName"),
    ),
    "AWS::SQS::QueuePolicy": ResourceType(_put_queue_policy, nothing, words("Queues PolicyDocument")),
}
