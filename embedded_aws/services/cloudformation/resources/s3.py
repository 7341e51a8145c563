"""S3: buckets and their policies."""

import json
from typing import Any

from botocore import xform_name

from embedded_aws.services.cloudformation.resources.base import (
    Context,
    PhysicalResource,
    Properties,
    ResourceType,
    nothing,
    request,
    words,
)


def _create_bucket(context: Context, properties: Properties) -> PhysicalResource:
    name = context.name(properties.get("BucketName"), lower=True)
    context.client("s3").create_bucket(Bucket=name)
    resource = PhysicalResource(
        name, {"Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.amazonaws.com", "RegionalDomainName": name}
    )
    return _configure_bucket(context, resource, properties)


def _update_bucket(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    """Bring a bucket to its properties; what is gone from the template is gone from the bucket."""
    for name, operation in _GONE.items():
        if name not in properties:
            getattr(context.client("s3"), operation)(Bucket=resource.ref)
    usual = {"VersioningConfiguration": {"Status": "Suspended"}, "NotificationConfiguration": {}}
    return _configure_bucket(context, resource, {**usual, **properties})


_GONE = {
    "BucketEncryption": "delete_bucket_encryption",
    "PublicAccessBlockConfiguration": "delete_public_access_block",
    "OwnershipControls": "delete_bucket_ownership_controls",
    "LifecycleConfiguration": "delete_bucket_lifecycle",
    "Tags": "delete_bucket_tagging",
}


def _configure_bucket(context: Context, resource: PhysicalResource, properties: Properties) -> PhysicalResource:
    s3, bucket = context.client("s3"), {"Bucket": resource.ref}
    if "BucketEncryption" in properties:
        s3.put_bucket_encryption(**bucket, ServerSideEncryptionConfiguration=_encryption(properties))
    for name, operation in _SAME_SHAPE.items():
        if name in properties:  # the template may say a boolean as text
            s3_call = getattr(s3, xform_name(operation))
            s3_call(**bucket, **request(s3, operation, {name: properties[name]}))
    if "LifecycleConfiguration" in properties:
        rules = [_lifecycle(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]
        s3.put_bucket_lifecycle_configuration(**bucket, LifecycleConfiguration={"Rules": rules})
    if "NotificationConfiguration" in properties:
        s3.put_bucket_notification_configuration(**bucket, NotificationConfiguration=_notification(properties))
    if "Tags" in properties:
        s3.put_bucket_tagging(**bucket, Tagging={"TagSet": properties["Tags"]})
    return resource


_SAME_SHAPE = {  # properties that the API takes as they are
    "VersioningConfiguration": "PutBucketVersioning",
    "PublicAccessBlockConfiguration": "PutPublicAccessBlock",
    "OwnershipControls": "PutBucketOwnershipControls",
}


def _notification(properties: Properties) -> dict[str, Any]:
    notification = properties["NotificationConfiguration"]
    if set(notification) - {"EventBridgeConfiguration"}:
        raise ValueError(f"notifications: {', '.join(notification)} would be lost; here events go through EventBridge")
    enabled = notification.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled", False)
    return {"EventBridgeConfiguration": {}} if enabled in (True, "true") else {}


def _encryption(properties: Properties) -> dict[str, Any]:
    rules = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    renamed = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {"Rules": [{renamed.get(key, key): value for key, value in rule.items()} for rule in rules]}


def _lifecycle(rule: Properties) -> dict[str, Any]:
    """Return a lifecycle rule in the API's words."""
    known = words(
        "Id Status Prefix ExpirationInDays Transitions NoncurrentVersionExpiration AbortIncompleteMultipartUpload"
    )
    if set(rule) - known:
        raise ValueError(f"lifecycle rule: {', '.join(set(rule) - known)} would be lost")
    api_rule: dict[str, Any] = {
        "ID": rule["Id"],
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
    }
    if "ExpirationInDays" in rule:
        api_rule["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if "Transitions" in rule:
        api_rule["Transitions"] = [
            {"StorageClass": transition["StorageClass"], "Days": int(transition["TransitionInDays"])}
            for transition in rule["Transitions"]
        ]
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            api_rule[name] = rule[name]
    return api_rule


def _delete_bucket(context: Context, resource: PhysicalResource) -> None:
    context.client("s3").delete_bucket(Bucket=resource.ref)


def _put_bucket_policy(context: Context, properties: Properties) -> PhysicalResource:
    """Put a bucket's policy without its conditional statements.

    The embedded AWS applies a statement whatever its condition says, and would deny everything with `TlsOnly`.
    """
    document = properties["PolicyDocument"]
    plain = [statement for statement in document["Statement"] if "Condition" not in statement]
    if plain:
        policy = json.dumps({**document, "Statement": plain})
        context.client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=policy)
    return PhysicalResource(properties["Bucket"])


RESOURCE_TYPES = {
    "AWS::S3::Bucket": ResourceType(
        _create_bucket,
        _delete_bucket,
        words(
            "BucketName VersioningConfiguration BucketEncryption PublicAccessBlockConfiguration OwnershipControls "
            "LifecycleConfiguration NotificationConfiguration Tags"
        ),
        update=_update_bucket,
        fixed=words("BucketName"),
    ),
    "AWS::S3::BucketPolicy": ResourceType(_put_bucket_policy, nothing, words("Bucket PolicyDocument")),
}
