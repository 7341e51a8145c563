"""A boto3 session that sees nothing of its user's own AWS configuration: for an AWS on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES
from botocore.loaders import Loader
from botocore.session import Session

_FILES = ("config_file", "credentials_file")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_SECTIONS = ("s3", "proxies_config")  # whole sections of the configuration, with variables of their own


@contextmanager
def without_tls_settings() -> Iterator[None]:
    """Hide what the environment has for TLS (a key log, certificates): an AWS on this machine speaks plain HTTP."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("SSL") or name in _BUNDLES}
    try:
        yield
    finally:
        os.environ.update(hidden)


@cache
def isolated() -> boto3.Session:
    """Return the session: each of botocore's variables has its default, whatever the environment and ~/.aws say."""
    core = Session(session_vars={name: _fixed(name, *of) for name, of in VARIABLES.items()})
    for section in _SECTIONS:
        core.get_component("config_store").set_config_variable(section, {})
    core.register_component("data_loader", Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False))
    return boto3.Session(botocore_session=core)


def without_endpoints() -> boto3.Session:
    """Return a session with its user's configuration but for the endpoints that it sets, those of STS included."""
    core = Session()
    core.set_config_variable("ignore_configured_endpoint_urls", True)
    return boto3.Session(botocore_session=core)


def _fixed(name: str, _in_files: Any, _in_environment: Any, default: Any, convert: Any) -> tuple[Any, ...]:
    return None, None, os.devnull if name in _FILES else default, convert
