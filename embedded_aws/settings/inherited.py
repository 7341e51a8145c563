"""What the embedded AWS inherits of its user's environment, and what its functions and jobs do: lists, and no more."""

import os
from collections.abc import Mapping
from pathlib import Path

from embedded_aws.machine.search_path import as_variable, folders
from embedded_aws.machine.surroundings import unproxied
from embedded_aws.settings.application import Application

_HOME = Path(__file__).parents[2]  # of the package embedded_aws
_BY_ALL = ("PATH", "HOME", "PYTHONDONTWRITEBYTECODE")
_BY_SERVER = (
    *("USER", "LOGNAME", "TMPDIR", "TZ"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"),
    *("ENGINE", "DBUS_SESSION_BUS_ADDRESS", "SSL_CERT_FILE", "SSL_CERT_DIR"),  # docker and podman, pulling images
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
)
_FAMILIES_BY_SERVER = ("DOCKER_", "CONTAINER_", "CONTAINERS_", "XDG_")
_UTF_8 = {"LANG": "C.UTF-8", "PYTHONUTF8": "1"}


def by_process(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a function or a job inherits; its language and clock are those of AWS."""
    return {**_of(environment, _BY_ALL), **_UTF_8, "TZ": "UTC"}


def by_server(environment: Mapping[str, str], application: Application) -> dict[str, str]:
    """Return what the server inherits; its code is that of the application's source, or lies where this does."""
    families = [name for name in environment if name.startswith(_FAMILIES_BY_SERVER)]
    kept = _of(environment, (*_BY_ALL, *_BY_SERVER, *families))
    variable = application.search_path
    search_path = as_variable(variable, folders(environment, variable))
    code = os.pathsep.join(dict.fromkeys(folder for folder in (application.source, str(_HOME)) if folder))
    return {**kept, **_UTF_8, **search_path, "PYTHONPATH": code, **unproxied(environment=environment)}


def _of(environment: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {"PATH": os.defpath, **{name: environment[name] for name in names if environment.get(name)}}
