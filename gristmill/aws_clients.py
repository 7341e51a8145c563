"""Clients of AWS: bounded in time, and tried again with backoff."""

from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session

_BOUNDED = Config(
    retries={"mode": "standard", "total_max_attempts": 8},
    connect_timeout=10,
    read_timeout=60,
    max_pool_connections=32,
    user_agent_extra="gristmill",
)


def make_client(service: str, config: Config | None = None, session: Any = None, **settings: Any) -> Any:
    """Return a boto3 client with bounded time-outs and retries: backoff with jitter, and a retry quota of its own.

    What `config` sets goes before these. Without a boto3 `session`, the user's own configuration applies.
    """
    import boto3

    return (session or boto3).client(service, config=_BOUNDED.merge(config) if config else _BOUNDED, **settings)


def make_bare_client(service: str, config: Config | None = None) -> Any:
    """Return the same without what boto3 adds: a tenth of a second sooner in a new process, and it cannot `upload`."""
    return _session().create_client(service, config=_BOUNDED.merge(config) if config else _BOUNDED)


@cache
def _session() -> Session:
    return Session()
