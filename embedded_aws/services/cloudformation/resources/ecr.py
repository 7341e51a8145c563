"""ECR: repositories."""

from embedded_aws.services.cloudformation.resources.base import (
    Context,
    PhysicalResource,
    Properties,
    ResourceType,
    words,
)


def _create_repository(context: Context, properties: Properties) -> PhysicalResource:
    repository = context.client("ecr").create_repository(
        repositoryName=context.name(properties.get("RepositoryName"), lower=True),
        imageTagMutability=properties.get("ImageTagMutability", "MUTABLE"),
        imageScanningConfiguration={
            "scanOnPush": properties.get("ImageScanningConfiguration", {}).get("ScanOnPush", False)
        },
    )["repository"]
    attributes = {"Arn": repository["repositoryArn"], "RepositoryUri": repository["repositoryUri"]}
    return PhysicalResource(repository["repositoryName"], attributes)


RESOURCE_TYPES = {
    "AWS::ECR::Repository": ResourceType(
        _create_repository,
        lambda context, resource: context.client("ecr").delete_repository(repositoryName=resource.ref, force=True),
        words("RepositoryName ImageTagMutability ImageScanningConfiguration EmptyOnDelete"),
    ),
}
