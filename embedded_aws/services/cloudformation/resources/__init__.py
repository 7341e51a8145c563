"""The resource types that the embedded AWS knows, a file a service. Another type is an error at deploy."""

from embedded_aws.services.cloudformation.resources import (
    awslambda,
    batch,
    cloudwatch,
    dynamodb,
    ec2,
    ecr,
    events,
    iam,
    logs,
    s3,
    sns,
    sqs,
    stepfunctions,
)
from embedded_aws.services.cloudformation.resources.base import ResourceType

_SERVICES = (s3, ecr, logs, sqs, sns, events, cloudwatch, iam, ec2, dynamodb, awslambda, stepfunctions, batch)

RESOURCE_TYPES: dict[str, ResourceType] = {
    name: resource_type for service in _SERVICES for name, resource_type in service.RESOURCE_TYPES.items()
}
