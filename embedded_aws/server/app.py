"""moto's own application, with what moto lacks put on top, and the gate in front."""

from collections.abc import Iterable
from typing import Any

from embedded_aws.services import awslambda, batch, cloudformation, events, s3, sns, stepfunctions
from embedded_aws.settings.settings import Settings

_ROOMS = (cloudformation, stepfunctions, events, s3, sns, batch, awslambda)


def create_app(settings: Settings) -> Any:
    """Apply every patch, and return the WSGI application of all services."""
    from moto.core.common_models import BaseModel
    from moto.moto_server.werkzeug_app import create_backend_app

    from embedded_aws.access.dispatch import ByClaim

    BaseModel.__new__ = _untracked
    for room in _ROOMS:
        room.install(settings)
    return ByClaim(create_backend_app)


def guarded(application: Any, settings: Settings, bridges: Iterable[str]) -> Any:
    """Return the application behind the gate: nobody reaches it who does not sign with a key of this server."""
    from embedded_aws.access.cors import rules_of
    from embedded_aws.access.gate import Gate, Rules
    from embedded_aws.server.identity import Identity

    cors = rules_of(settings.account)
    keys, take_keys = settings.key_ring.secret_of, settings.application.take_keys
    rules = Rules(settings.port, settings.region, frozenset(bridges), keys, cors, take_keys)
    return Gate(application, Identity(settings), rules)


def _untracked(kind: Any, *_arguments: Any, **_named: Any) -> Any:
    """Make an instance of a model; moto keeps each in a list for good, deleted ones and copies too."""
    return object.__new__(kind)


def close_app() -> None:
    """End every process and thread that the rooms have started."""
    for room in (batch, awslambda, events):
        room.close()
