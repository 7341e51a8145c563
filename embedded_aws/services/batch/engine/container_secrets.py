"""Secrets of a container, read for it as it starts, as ECS does: their values are in its environment alone."""

from botocore.exceptions import ClientError

from embedded_aws.services.batch.model.resources import Json
from embedded_aws.settings.clients import client
from embedded_aws.settings.settings import Settings

_MANAGER = ":secretsmanager:"  # in the ARN of a secret; whatever else is named is a parameter


class NoSecret(OSError):
    """Raised where a secret cannot be read, in the words of ECS; they name it, and never a value."""


def secret_variables(container: Json, settings: Settings) -> dict[str, str]:
    """Return the variables that a container's secrets come to; NoSecret where one cannot be read."""
    return {secret["name"]: _read(secret["valueFrom"], settings) for secret in container.get("secrets", [])}


def _read(name: str, settings: Settings) -> str:
    is_managed = _MANAGER in name
    try:
        if is_managed:
            return str(client(settings, "secretsmanager").get_secret_value(SecretId=name)["SecretString"])
        return str(client(settings, "ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    except ClientError as error:
        service = "AWS Secrets Manager" if is_managed else "SSM Parameter Store"
        why = f"fetching secret data from {service} in {settings.region}: {error.response['Error']['Code']}: {name}"
        raise NoSecret(f"ResourceInitializationError: unable to pull secrets or registry auth: {why}") from None
