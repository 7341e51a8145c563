"""CloudWatch: alarms."""

from embedded_aws.services.cloudformation.resources.base import (
    Context,
    PhysicalResource,
    Properties,
    ResourceType,
    request,
    words,
)


def _put_alarm(context: Context, properties: Properties) -> PhysicalResource:
    cloudwatch, name = context.client("cloudwatch"), context.name(properties.get("AlarmName"), longest=255)
    cloudwatch.put_metric_alarm(**request(cloudwatch, "PutMetricAlarm", {**properties, "AlarmName": name}))
    arn = f"arn:aws:cloudwatch:{context.settings.region}:{context.settings.account}:alarm:{name}"
    return PhysicalResource(name, {"Arn": arn})


RESOURCE_TYPES = {
    "AWS::CloudWatch::Alarm": ResourceType(
        _put_alarm,
        lambda context, resource: context.client("cloudwatch").delete_alarms(AlarmNames=[resource.ref]),
        words(
            "AlarmName AlarmDescription Namespace MetricName Dimensions Statistic Period EvaluationPeriods Threshold "
            "ComparisonOperator TreatMissingData AlarmActions Metrics"
        ),
        update=lambda context, resource, properties: _put_alarm(context, {**properties, "AlarmName": resource.ref}),
        fixed=words("AlarmName"),
    ),
}
