"""Lambda: functions, their layers and permissions."""

from typing import Any

from embedded_aws.services.cloudformation.resources.base import (
    Context,
    PhysicalResource,
    Properties,
    ResourceType,
    request,
    words,
)

_CODE = words("S3Bucket S3Key S3ObjectVersion ZipFile")


def _code(properties: Properties) -> dict[str, Any]:
    return {key: value for key, value in properties["Code"].items() if key in _CODE}


def _function_settings(context: Context, name: str, properties: Properties) -> Any:
    settings = {key: value for key, value in properties.items() if key not in ("Code", "FunctionName", "Tags")}
    return request(context.client("lambda"), "UpdateFunctionConfiguration", {**settings, "FunctionName": name})


def _create_function(context: Context, properties: Properties) -> PhysicalResource:
    name = context.name(properties.get("FunctionName"), longest=64)
    settings = _function_settings(context, name, {k: v for k, v in properties.items() if k != "Architectures"})
    more = {"Architectures": properties["Architectures"]} if "Architectures" in properties else {}
    answer = context.client("lambda").create_function(**settings, **more, Code=_code(properties))
    return PhysicalResource(name, {"Arn": answer["FunctionArn"]})


def _update_function(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    functions = context.client("lambda")
    functions.update_function_code(FunctionName=resource.ref, **_code(properties))
    settings = {k: v for k, v in properties.items() if k != "Architectures"}
    emptied = {"Layers": [], "Environment": {"Variables": {}}, "Description": ""}
    functions.update_function_configuration(**_function_settings(context, resource.ref, {**emptied, **settings}))
    return resource


def _publish_layer(context: Context, properties: Properties) -> PhysicalResource:
    content = {key: value for key, value in properties["Content"].items() if key in _CODE}
    answer = context.client("lambda").publish_layer_version(
        LayerName=properties.get("LayerName") or context.name(longest=64),
        Description=properties.get("Description", ""),
        Content=content,
        CompatibleRuntimes=properties.get("CompatibleRuntimes", []),
    )
    return PhysicalResource(answer["LayerVersionArn"], {"LayerVersionArn": answer["LayerVersionArn"]})


def _delete_layer(context: Context, resource: PhysicalResource) -> None:
    name, _, version = resource.ref.rpartition(":")
    context.client("lambda").delete_layer_version(LayerName=name.rpartition(":")[2], VersionNumber=int(version))


def _permit(context: Context, properties: Properties) -> PhysicalResource:
    statement = context.name(longest=100)
    context.client("lambda").add_permission(StatementId=statement, **properties)
    return PhysicalResource(statement, {"FunctionName": properties["FunctionName"]})


def _forbid(context: Context, resource: PhysicalResource) -> None:
    function = resource.attributes["FunctionName"]
    context.client("lambda").remove_permission(FunctionName=function, StatementId=resource.ref)


RESOURCE_TYPES = {
    "AWS::Lambda::Function": ResourceType(
        _create_function,
        lambda context, resource: context.client("lambda").delete_function(FunctionName=resource.ref),
        words(
            "FunctionName Code Handler Role Runtime Timeout MemorySize Environment Description Layers Architectures "
            "TracingConfig LoggingConfig EphemeralStorage DeadLetterConfig"
        ),
        {"Tags": "only for people, in AWS's console"},
        update=_update_function,
        fixed=words("FunctionName"),
    ),
    "AWS::Lambda::LayerVersion": ResourceType(
        _publish_layer, _delete_layer, words("LayerName Description Content CompatibleRuntimes")
    ),
    "AWS::Lambda::Permission": ResourceType(_permit, _forbid, words("Action FunctionName Principal SourceArn")),
}
