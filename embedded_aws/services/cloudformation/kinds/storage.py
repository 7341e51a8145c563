"""S3, ECR and log groups."""

import json
from typing import Any

from botocore import xform_name

from embedded_aws.services.cloudformation.kinds.base import Kind, Made, Properties, Site, nothing, request, words


def _create_bucket(site: Site, properties: Properties) -> Made:
    name = site.name(properties.get("BucketName"), lower=True)
    site.client("s3").create_bucket(Bucket=name)
    made = Made(
        name, {"Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.amazonaws.com", "RegionalDomainName": name}
    )
    return _configure_bucket(site, made, properties)


def _update_bucket(site: Site, made: Made, properties: Properties) -> Made:
    """Bring a bucket to its properties; what is gone from the template is gone from the bucket."""
    for name, operation in _GONE.items():
        if name not in properties:
            getattr(site.client("s3"), operation)(Bucket=made.ref)
    usual = {"VersioningConfiguration": {"Status": "Suspended"}, "NotificationConfiguration": {}}
    return _configure_bucket(site, made, {**usual, **properties})


_GONE = {
    "BucketEncryption": "delete_bucket_encryption",
    "PublicAccessBlockConfiguration": "delete_public_access_block",
    "OwnershipControls": "delete_bucket_ownership_controls",
    "LifecycleConfiguration": "delete_bucket_lifecycle",
    "Tags": "delete_bucket_tagging",
}


def _configure_bucket(site: Site, made: Made, properties: Properties) -> Made:
    s3, bucket = site.client("s3"), {"Bucket": made.ref}
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
    return made


_SAME_SHAPE = {  # properties that the API takes as they are
    "VersioningConfiguration": "PutBucketVersioning",
    "PublicAccessBlockConfiguration": "PutPublicAccessBlock",
    "OwnershipControls": "PutBucketOwnershipControls",
}


def _notification(properties: Properties) -> dict[str, Any]:
    told = properties["NotificationConfiguration"]
    if set(told) - {"EventBridgeConfiguration"}:
        raise ValueError(f"notifications: {', '.join(told)} would be lost; here events go through EventBridge")
    enabled = told.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled", False)
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
    said: dict[str, Any] = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "ExpirationInDays" in rule:
        said["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if "Transitions" in rule:
        said["Transitions"] = [
            {"StorageClass": one["StorageClass"], "Days": int(one["TransitionInDays"])} for one in rule["Transitions"]
        ]
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            said[name] = rule[name]
    return said


def _delete_bucket(site: Site, made: Made) -> None:
    site.client("s3").delete_bucket(Bucket=made.ref)


def _put_bucket_policy(site: Site, properties: Properties) -> Made:
    """Put a bucket's policy without its conditional statements.

    The embedded AWS applies a statement whatever its condition says, and would deny everything with `TlsOnly`.
    """
    document = properties["PolicyDocument"]
    plain = [one for one in document["Statement"] if "Condition" not in one]
    if plain:
        policy = json.dumps({**document, "Statement": plain})
        site.client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=policy)
    return Made(properties["Bucket"])


def _create_repository(site: Site, properties: Properties) -> Made:
    repository = site.client("ecr").create_repository(
        repositoryName=site.name(properties.get("RepositoryName"), lower=True),
        imageTagMutability=properties.get("ImageTagMutability", "MUTABLE"),
        imageScanningConfiguration={
            "scanOnPush": properties.get("ImageScanningConfiguration", {}).get("ScanOnPush", False)
        },
    )["repository"]
    attributes = {"Arn": repository["repositoryArn"], "RepositoryUri": repository["repositoryUri"]}
    return Made(repository["repositoryName"], attributes)


def _create_log_group(site: Site, properties: Properties) -> Made:
    name = site.name(properties.get("LogGroupName"))
    site.client("logs").create_log_group(logGroupName=name)
    arn = f"arn:aws:logs:{site.settings.region}:{site.settings.account}:log-group:{name}:*"
    return _retain(site, Made(name, {"Arn": arn}), properties)


def _retain(site: Site, made: Made, properties: Properties) -> Made:
    if "RetentionInDays" in properties:
        days = int(properties["RetentionInDays"])
        site.client("logs").put_retention_policy(logGroupName=made.ref, retentionInDays=days)
    else:
        site.client("logs").delete_retention_policy(logGroupName=made.ref)
    return made


KINDS = {
    "AWS::S3::Bucket": Kind(
        _create_bucket,
        _delete_bucket,
        words(
            "BucketName VersioningConfiguration BucketEncryption PublicAccessBlockConfiguration OwnershipControls "
            "LifecycleConfiguration NotificationConfiguration Tags"
        ),
        update=_update_bucket,
        fixed=words("BucketName"),
    ),
    "AWS::S3::BucketPolicy": Kind(_put_bucket_policy, nothing, words("Bucket PolicyDocument")),
    "AWS::ECR::Repository": Kind(
        _create_repository,
        lambda site, made: site.client("ecr").delete_repository(repositoryName=made.ref, force=True),
        words("RepositoryName ImageTagMutability ImageScanningConfiguration EmptyOnDelete"),
    ),
    "AWS::Logs::LogGroup": Kind(
        _create_log_group,
        lambda site, made: site.client("logs").delete_log_group(logGroupName=made.ref),
        words("LogGroupName RetentionInDays"),
        update=_retain,
        fixed=words("LogGroupName"),
    ),
}
