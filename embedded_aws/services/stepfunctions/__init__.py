"""Step Functions of the embedded AWS: moto's engine, with what it lacks put on top."""

from embedded_aws.services.stepfunctions import errors, executions, history, jsonata, parsing, services
from embedded_aws.settings.settings import Settings


def install(settings: Settings) -> None:
    """Apply the patches."""
    jsonata.install()
    errors.install()
    parsing.install()
    services.install(settings)
    executions.install(settings)
    history.install()
