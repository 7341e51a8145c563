"""Lambda: functions, their layers and permissions."""

from typing import Any

from embedded_aws.services.cloudformation.kinds.base import Kind, Made, Properties, Site, request, words

_CODE = words("S3Bucket S3Key S3ObjectVersion ZipFile")


def _code(properties: Properties) -> dict[str, Any]:
    return {key: value for key, value in properties["Code"].items() if key in _CODE}


def _function_settings(site: Site, name: str, properties: Properties) -> Any:
    settings = {key: value for key, value in properties.items() if key not in ("Code", "FunctionName", "Tags")}
    return request(site.client("lambda"), "UpdateFunctionConfiguration", {**settings, "FunctionName": name})


def _create_function(site: Site, properties: Properties) -> Made:
    name = site.name(properties.get("FunctionName"), longest=64)
    settings = _function_settings(site, name, {k: v for k, v in properties.items() if k != "Architectures"})
    more = {"Architectures": properties["Architectures"]} if "Architectures" in properties else {}
    answer = site.client("lambda").create_function(**settings, **more, Code=_code(properties))
    return Made(name, {"Arn": answer["FunctionArn"]})


def _update_function(site: Site, made: Made, properties: Properties) -> Made:
    functions = site.client("lambda")
    functions.update_function_code(FunctionName=made.ref, **_code(properties))
    settings = {k: v for k, v in properties.items() if k != "Architectures"}
    emptied = {"Layers": [], "Environment": {"Variables": {}}, "Description": ""}
    functions.update_function_configuration(**_function_settings(site, made.ref, {**emptied, **settings}))
    return made


def _publish_layer(site: Site, properties: Properties) -> Made:
    content = {key: value for key, value in properties["Content"].items() if key in _CODE}
    answer = site.client("lambda").publish_layer_version(
        LayerName=properties.get("LayerName") or site.name(longest=64),
        Description=properties.get("Description", ""),
        Content=content,
        CompatibleRuntimes=properties.get("CompatibleRuntimes", []),
    )
    return Made(answer["LayerVersionArn"], {"LayerVersionArn": answer["LayerVersionArn"]})


def _delete_layer(site: Site, made: Made) -> None:
    name, _, version = made.ref.rpartition(":")
    site.client("lambda").delete_layer_version(LayerName=name.rpartition(":")[2], VersionNumber=int(version))


def _permit(site: Site, properties: Properties) -> Made:
    statement = site.name(longest=100)
    site.client("lambda").add_permission(StatementId=statement, **properties)
    return Made(statement, {"FunctionName": properties["FunctionName"]})


def _forbid(site: Site, made: Made) -> None:
    function = made.attributes["FunctionName"]
    site.client("lambda").remove_permission(FunctionName=function, StatementId=made.ref)


KINDS = {
    "AWS::Lambda::Function": Kind(
        _create_function,
        lambda site, made: site.client("lambda").delete_function(FunctionName=made.ref),
        words(
            "FunctionName Code Handler Role Runtime Timeout MemorySize Environment Description Layers Architectures "
            "TracingConfig LoggingConfig EphemeralStorage DeadLetterConfig"
        ),
        {"Tags": "only for people, in AWS's console"},
        update=_update_function,
        fixed=words("FunctionName"),
    ),
    "AWS::Lambda::LayerVersion": Kind(
        _publish_layer, _delete_layer, words("LayerName Description Content CompatibleRuntimes")
    ),
    "AWS::Lambda::Permission": Kind(_permit, _forbid, words("Action FunctionName Principal SourceArn")),
}
