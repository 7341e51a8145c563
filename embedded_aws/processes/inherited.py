"""What the embedded AWS inherits of its user's environment, and what its functions and jobs do: lists, and no more."""

import os
from collections.abc import Mapping
from pathlib import Path

from gristmill.pipeline.loading import SEARCH_PATH
from gristmill.pipeline.search_path import folders
from gristmill.surroundings import unproxied

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


def by_server(environment: Mapping[str, str], project: Path) -> dict[str, str]:
    """Return what the server inherits; it is found where its commands are, whatever else Python was led to."""
    families = [name for name in environment if name.startswith(_FAMILIES_BY_SERVER)]
    kept = _of(environment, (*_BY_ALL, *_BY_SERVER, *families))
    search_path = {SEARCH_PATH: os.pathsep.join(folders(environment))}
    return {**kept, **_UTF_8, **search_path, "PYTHONPATH": str(project), **unproxied(environment=environment)}


def _of(environment: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {"PATH": os.defpath, **{name: environment[name] for name in names if environment.get(name)}}
