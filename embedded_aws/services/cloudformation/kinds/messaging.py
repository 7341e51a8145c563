"""SQS, SNS, EventBridge and CloudWatch alarms."""

import json
from typing import Any

from embedded_aws.services.cloudformation.kinds.base import Kind, Made, Properties, Site, nothing, request, words

_QUEUE = words(
    "DelaySeconds MaximumMessageSize MessageRetentionPeriod ReceiveMessageWaitTimeSeconds VisibilityTimeout "
    "SqsManagedSseEnabled RedrivePolicy"
)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _create_queue(site: Site, properties: Properties) -> Made:
    name = site.name(properties.get("QueueName"), longest=80)
    attributes = {key: _text(value) for key, value in properties.items() if key in _QUEUE}
    url = site.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = f"arn:aws:sqs:{site.settings.region}:{site.settings.account}:{name}"
    return Made(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


def _update_queue(site: Site, made: Made, properties: Properties) -> Made:
    attributes = {key: _text(value) for key, value in properties.items() if key in _QUEUE}
    site.client("sqs").set_queue_attributes(QueueUrl=made.ref, Attributes=attributes)
    return made


def _put_queue_policy(site: Site, properties: Properties) -> Made:
    policy = json.dumps(properties["PolicyDocument"])
    for queue in properties["Queues"]:
        site.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    return Made(site.name())


def _create_topic(site: Site, properties: Properties) -> Made:
    name = site.name(properties.get("TopicName"), longest=256)
    attributes = {key: _text(value) for key, value in properties.items() if key != "TopicName"}
    arn = site.client("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"]
    return Made(arn, {"TopicName": name, "TopicArn": arn})


def _update_topic(site: Site, made: Made, properties: Properties) -> Made:
    for name in ("DisplayName", "KmsMasterKeyId"):
        value = _text(properties.get(name, ""))
        site.client("sns").set_topic_attributes(TopicArn=made.ref, AttributeName=name, AttributeValue=value)
    return made


def _update_subscription(site: Site, made: Made, properties: Properties) -> Made:
    for name, usual in (("FilterPolicyScope", "MessageAttributes"), ("FilterPolicy", {})):
        value = _text(properties.get(name, usual))
        site.client("sns").set_subscription_attributes(
            SubscriptionArn=made.ref, AttributeName=name, AttributeValue=value
        )
    return made


def _subscribe(site: Site, properties: Properties) -> Made:
    more = {key: _text(properties[key]) for key in ("FilterPolicy", "FilterPolicyScope") if key in properties}
    answer = site.client("sns").subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties["Endpoint"],
        Attributes=more,
        ReturnSubscriptionArn=True,
    )
    return Made(answer["SubscriptionArn"], {"Arn": answer["SubscriptionArn"]})


def _put_rule(site: Site, properties: Properties) -> Made:
    events, name = site.client("events"), site.name(properties.get("Name"))
    pattern = {"EventPattern": json.dumps(properties["EventPattern"])} if "EventPattern" in properties else {}
    same = {key: properties[key] for key in ("Description", "State", "ScheduleExpression") if key in properties}
    arn = events.put_rule(Name=name, **pattern, **same)["RuleArn"]
    targets = [request(events, "PutTargets", {"Targets": [one]})["Targets"][0] for one in properties.get("Targets", [])]
    if targets:
        events.put_targets(Rule=name, Targets=targets)
    return Made(name, {"Arn": arn})


def _update_rule(site: Site, made: Made, properties: Properties) -> Made:
    events = site.client("events")
    wanted = {one["Id"] for one in properties.get("Targets", [])}
    gone = [one["Id"] for one in events.list_targets_by_rule(Rule=made.ref)["Targets"] if one["Id"] not in wanted]
    if gone:
        events.remove_targets(Rule=made.ref, Ids=gone)
    return _put_rule(site, {**properties, "Name": made.ref})


def _delete_rule(site: Site, made: Made) -> None:
    events = site.client("events")
    targets = [one["Id"] for one in events.list_targets_by_rule(Rule=made.ref)["Targets"]]
    if targets:
        events.remove_targets(Rule=made.ref, Ids=targets)
    events.delete_rule(Name=made.ref)


def _put_alarm(site: Site, properties: Properties) -> Made:
    cloudwatch, name = site.client("cloudwatch"), site.name(properties.get("AlarmName"), longest=255)
    cloudwatch.put_metric_alarm(**request(cloudwatch, "PutMetricAlarm", {**properties, "AlarmName": name}))
    arn = f"arn:aws:cloudwatch:{site.settings.region}:{site.settings.account}:alarm:{name}"
    return Made(name, {"Arn": arn})


KINDS = {
    "AWS::SQS::Queue": Kind(
        _create_queue,
        lambda site, made: site.client("sqs").delete_queue(QueueUrl=made.ref),
        _QUEUE | {"QueueName"},
        update=_update_queue,
        fixed=words("QueueName"),
    ),
    "AWS::SQS::QueuePolicy": Kind(_put_queue_policy, nothing, words("Queues PolicyDocument")),
    "AWS::SNS::Topic": Kind(
        _create_topic,
        lambda site, made: site.client("sns").delete_topic(TopicArn=made.ref),
        words("TopicName DisplayName KmsMasterKeyId"),
        update=_update_topic,
        fixed=words("TopicName"),
    ),
    "AWS::SNS::Subscription": Kind(
        _subscribe,
        lambda site, made: site.client("sns").unsubscribe(SubscriptionArn=made.ref),
        words("TopicArn Protocol Endpoint FilterPolicy FilterPolicyScope"),
        update=_update_subscription,
        fixed=words("TopicArn Protocol Endpoint"),
    ),
    "AWS::Events::Rule": Kind(
        _put_rule,
        _delete_rule,
        words("Name Description State EventPattern ScheduleExpression Targets"),
        update=_update_rule,
        fixed=words("Name"),
    ),
    "AWS::CloudWatch::Alarm": Kind(
        _put_alarm,
        lambda site, made: site.client("cloudwatch").delete_alarms(AlarmNames=[made.ref]),
        words(
            "AlarmName AlarmDescription Namespace MetricName Dimensions Statistic Period EvaluationPeriods Threshold "
            "ComparisonOperator TreatMissingData AlarmActions Metrics"
        ),
        update=lambda site, made, properties: _put_alarm(site, {**properties, "AlarmName": made.ref}),
        fixed=words("AlarmName"),
    ),
}
