"""Clients of the embedded AWS for its own parts: one a service, made once."""

import threading
from typing import Any

import boto3
from botocore.config import Config

from embedded_aws.settings.settings import Settings

_lock = threading.Lock()
_clients: dict[tuple[str, str], Any] = {}


def client(settings: Settings, service: str) -> Any:
    """Return the client of a service; it does not retry, for a failure here is a defect to be seen."""
    with _lock:
        key = (settings.endpoint, service)
        if key not in _clients:
            pair = settings.key_ring.server
            _clients[key] = boto3.client(
                service,
                endpoint_url=settings.endpoint,
                region_name=settings.region,
                aws_access_key_id=pair.access_key_id,
                aws_secret_access_key=pair.secret_access_key,
                config=Config(retries={"total_max_attempts": 1}, max_pool_connections=64, read_timeout=900),
            )
        return _clients[key]
