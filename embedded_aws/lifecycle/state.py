"""The state file of an embedded AWS: what the server notes of itself, and when a reader may believe it."""

import errno
import ipaddress
import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from embedded_aws.errors import Unreachable

STATE_FILE = "local.json"  # in the data folder
_DRAFT = f".{STATE_FILE}"
_MOST_BYTES = 64 * 1024
_MOST_PID = 2**31 - 1
_PRIVATE = ("nonce", "access_key_id", "secret_access_key")
_ENDPOINT = re.compile(r"http://(localhost|\[::1\]|127(?:\.[0-9]{1,3}){3}):([0-9]{1,5})")


class BadState(Unreachable):
    """Raised when a state file cannot be believed; says why, and how to get rid of it."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be believed: {why}.", "Clear it away with: gristmill local reset")


@dataclass(frozen=True)
class ServerState:
    """A server: its process, its address and its keys. Only its user may know `nonce` and the keys."""

    pid: int
    started: str  # when the process began, as the system tells it
    nonce: str = field(repr=False)  # never travels: the server proves that it knows it
    port: int
    endpoint: str
    region: str
    data: str
    project: str
    started_by: str  # a program and its version; empty where none was given
    containers: bool
    started_at: str
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)

    def public(self) -> dict[str, Any]:
        """Return what may be printed."""
        return {name: value for name, value in asdict(self).items() if name not in _PRIVATE}


def _text(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _number(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most  # a bool is an int as well


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).isoformat(timespec="seconds") == value
    except ValueError:
        return False


def host_of(endpoint: Any) -> str | None:
    """Return the loopback host of an endpoint; None for any other, however it is dressed up."""
    parts = _ENDPOINT.fullmatch(endpoint) if isinstance(endpoint, str) else None
    if parts is None:
        return None
    host = parts[1].strip("[]")
    try:
        return host if host == "localhost" or ipaddress.ip_address(host).is_loopback else None
    except ValueError:
        return None


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "pid": _number(2, _MOST_PID),
    "started": _text("[0-9A-Za-z: ]{1,40}"),
    "nonce": _text("[0-9a-f]{64}"),
    "port": _number(1, 65_535),
    "endpoint": lambda value: isinstance(value, str),
    "region": _text("[a-z0-9-]{1,32}"),
    "data": lambda value: isinstance(value, str),
    "project": lambda value: isinstance(value, str),
    "started_by": _text("[ -~]{0,100}"),
    "containers": lambda value: isinstance(value, bool),
    "started_at": _is_time,
    "access_key_id": _text("[A-Z0-9]{20}"),
    "secret_access_key": _text("[A-Za-z0-9/+]{40}"),
}


def read_state(folder: Path) -> ServerState | None:
    """Return what a server has noted in its data folder, None where there is no file.

    Raises BadState for a file that is not its user's alone, is damaged, or leads elsewhere.
    """
    path = folder / STATE_FILE
    try:
        content = _read_private(path)
        return None if content is None else _parse(content, folder)
    except ValueError as error:
        raise BadState(path, str(error)) from error


def _read_private(path: Path) -> bytes | None:
    """Return a file's bytes; ValueError where anybody else could have written or read it. Never waits for a FIFO."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ValueError("it is a symbolic link" if error.errno == errno.ELOOP else f"{error.strerror}") from error
    with os.fdopen(file, "rb") if stat.S_ISREG(os.fstat(file).st_mode) else _refuse(file) as stream:
        info = os.fstat(stream.fileno())
        if info.st_uid != os.getuid():
            raise ValueError("it belongs to another user")
        if info.st_mode & 0o077:
            raise ValueError("others may read or write it")
        if info.st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        return stream.read(_MOST_BYTES)


def _refuse(file: int) -> Any:
    os.close(file)
    raise ValueError("it is not a file")


def _parse(content: bytes, folder: Path) -> ServerState:
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is damaged") from error
    if not isinstance(fields, dict) or fields.keys() != _CHECKS.keys():
        raise ValueError("it is damaged, or of another version of Gristmill")
    wrong = [name for name, is_right in _CHECKS.items() if not is_right(fields[name])]
    if wrong:
        raise ValueError(f"it is damaged ({', '.join(wrong)})")
    if host_of(fields["endpoint"]) is None or not fields["endpoint"].endswith(f":{fields['port']}"):
        raise ValueError(f"its endpoint is not on this machine ({ascii(fields['endpoint'])[:100]})")
    if fields["data"] != str(folder.resolve()):
        raise ValueError("it was written for another folder")
    return ServerState(**fields)


def write_state(state: ServerState) -> None:
    """Write a server's state file: whole or not at all, and at no moment readable by others."""
    folder = Path(state.data)
    draft = folder / _DRAFT
    draft.unlink(missing_ok=True)
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(file, "w") as stream:
        json.dump(asdict(state), stream, indent=2)
    draft.rename(folder / STATE_FILE)
