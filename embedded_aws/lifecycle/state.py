"""The state file of an embedded AWS: what the server notes of itself, and when a reader may believe it."""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from embedded_aws.machine.errors import ANOTHER_FOLDER, RESET, Unreachable
from embedded_aws.machine.marker import is_marked
from embedded_aws.machine.private_files import read_private, write_private

STATE_FILE = "local.json"  # in the data folder
_MOST_BYTES = 64 * 1024
_MOST_PID = 2**31 - 1
_PRIVATE = ("nonce", "access_key_id", "secret_access_key")
_ENDPOINT = re.compile(r"http://(localhost|\[::1\]|127(?:\.[0-9]{1,3}){3}):([0-9]{1,5})")


class BadState(Unreachable):
    """Raised when a state file cannot be believed; says why, and how to get rid of it."""

    def __init__(self, path: Path, why: str, mend: str = f"Clear it away with: {RESET}") -> None:
        super().__init__(f"{path} cannot be believed: {why}.", mend)


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
        content = read_private(path, _MOST_BYTES)
        if content is None:
            return None
        if not is_marked(folder):
            raise BadState(
                path, "no embedded AWS has made its folder", f"Remove it, or choose another: {ANOTHER_FOLDER}."
            )
        return _parse(content, folder)
    except ValueError as error:
        raise BadState(path, str(error)) from error


def _parse(content: bytes, folder: Path) -> ServerState:
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is damaged") from error
    if not isinstance(fields, dict) or fields.keys() != _CHECKS.keys():
        raise ValueError("it is damaged, or of another version")
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
    write_private(Path(state.data) / STATE_FILE, json.dumps(asdict(state), indent=2).encode())
