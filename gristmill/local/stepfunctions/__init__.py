"""Step Functions of the embedded AWS: moto's engine, with what it lacks put on top."""

from gristmill.local.settings import Settings
from gristmill.local.stepfunctions import errors, executions, history, jsonata, parsing, services


def install(settings: Settings) -> None:
    """Apply the patches."""
    jsonata.install()
    errors.install()
    parsing.install()
    services.install(settings)
    executions.install(settings)
    history.install()
