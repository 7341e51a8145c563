"""SNS: topics and subscriptions."""

from embedded_aws.services.cloudformation.resources.base import (
    Context,
    PhysicalResource,
    Properties,
    ResourceType,
    as_text,
    words,
)


def _create_topic(context: Context, properties: Properties) -> PhysicalResource:
    name = context.name(properties.get("TopicName"), longest=256)
    attributes = {key: as_text(value) for key, value in properties.items() if key != "TopicName"}
    arn = context.client("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"]
    return PhysicalResource(arn, {"TopicName": name, "TopicArn": arn})


def _update_topic(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    for name in ("DisplayName", "KmsMasterKeyId"):
        value = as_text(properties.get(name, ""))
        context.client("sns").set_topic_attributes(TopicArn=resource.ref, AttributeName=name, AttributeValue=value)
    return resource


def _update_subscription(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    for name, usual in (("FilterPolicyScope", "MessageAttributes"), ("FilterPolicy", {})):
        value = as_text(properties.get(name, usual))
        context.client("sns").set_subscription_attributes(
            SubscriptionArn=resource.ref, AttributeName=name, AttributeValue=value
        )
    return resource


def _subscribe(context: Context, properties: Properties) -> PhysicalResource:
    more = {key: as_text(properties[key]) for key in ("FilterPolicy", "FilterPolicyScope") if key in properties}
    answer = context.client("sns").subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties["Endpoint"],
        Attributes=more,
        ReturnSubscriptionArn=True,
    )
    return PhysicalResource(answer["SubscriptionArn"], {"Arn": answer["SubscriptionArn"]})


RESOURCE_TYPES = {
    "AWS::SNS::Topic": ResourceType(
        _create_topic,
        lambda context, resource: context.client("sns").delete_topic(TopicArn=resource.ref),
        words("TopicName DisplayName KmsMasterKeyId"),
        update=_update_topic,
        fixed=words("TopicName"),
    ),
    "AWS::SNS::Subscription": ResourceType(
        _subscribe,
        lambda context, resource: context.client("sns").unsubscribe(SubscriptionArn=resource.ref),
        words("TopicArn Protocol Endpoint FilterPolicy FilterPolicyScope"),
        update=_update_subscription,
        fixed=words("TopicArn Protocol Endpoint"),
    ),
}
