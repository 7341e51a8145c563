"""What a job definition says of its container, as the engine's options. Pure, but for this machine's own limits."""

import resource
from collections.abc import Callable, Iterator
from typing import Any

Json = dict[str, Any]

_NOFILE, _NPROC = 65_536, 4096
Hard = Callable[[str], int]


def hard_limit(name: str) -> int:
    """Return the most that this machine may give of a limit (nofile, nproc, memlock, ...); -1: any."""
    kind = getattr(resource, f"RLIMIT_{name.upper()}", None)
    return -1 if kind is None else resource.getrlimit(kind)[1]


def options(container: Json, *, is_podman: bool, hard: Hard = hard_limit) -> list[str]:
    """Return the options of a container's definition (API reference, ContainerProperties)."""
    return [*_user(container), *_root(container, is_podman), *_linux(container), *_ulimits(container, hard)]


def _user(container: Json) -> Iterator[str]:
    if container.get("user"):
        yield from ("--user", container["user"])
    if not container.get("privileged"):
        yield from ("--security-opt", "no-new-privileges", "--cap-drop", "all")


def _root(container: Json, is_podman: bool) -> Iterator[str]:
    if container.get("readonlyRootFilesystem"):
        yield "--read-only"
        if is_podman:  # it would make some folders writable, which are not on AWS
            yield "--read-only-tmpfs=false"


def _linux(container: Json) -> Iterator[str]:
    linux = container.get("linuxParameters", {})
    if linux.get("sharedMemorySize"):
        yield from ("--shm-size", f"{linux['sharedMemorySize']}m")
    for mount in linux.get("tmpfs", []):
        words = [f"size={mount['size']}m", *mount.get("mountOptions", [])]
        yield from ("--tmpfs", f"{mount['containerPath']}:{','.join(words)}")


def _ulimits(container: Json, hard: Hard) -> Iterator[str]:
    """Yield the definition's limits and modest ones of files and processes, none beyond what this machine may give."""
    own = {"nofile": (_NOFILE, _NOFILE), "nproc": (_NPROC, _NPROC)}
    defined = {limit["name"]: (limit["softLimit"], limit["hardLimit"]) for limit in container.get("ulimits", [])}
    for name, wanted in {**own, **defined}.items():
        soft, most = (_least(value, hard(name)) for value in wanted)
        yield from ("--ulimit", f"{name}={soft}:{most}")


def _least(wanted: int, most: int) -> int:
    return most if wanted == -1 else wanted if most == -1 else min(wanted, most)
