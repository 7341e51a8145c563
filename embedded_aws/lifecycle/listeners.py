"""Whose the sockets of this machine are, as Linux tells it (proc(5), /proc/net/tcp); nothing elsewhere."""

import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TABLES_AT = Path("/proc/net")
_TABLES = {"tcp": socket.AF_INET, "tcp6": socket.AF_INET6}
_LISTENS = "0A"
_ANY = ("::", "0.0.0.0")  # noqa: S104 - what others listen to, not we
_WORD = 8  # hexadecimal digits of 32 bits, which stand in the machine's own byte order


@dataclass(frozen=True)
class _Socket:
    """A row of a table."""

    address: str
    port: int
    peer_port: int
    listens: bool
    owner: int


def check_listener(address: str, port: int) -> None:
    """Raise ValueError unless a connection to a loopback address reaches this user; tells nothing without /proc."""
    if _owners(address, port) == []:
        raise ValueError("nothing listens there")
    if is_another_users(address, port):
        raise ValueError("another user listens there")


def is_another_users(address: str, port: int) -> bool:
    """Return whether a connection to an address of this machine may reach another user; False without /proc."""
    return any(owner != os.getuid() for owner in _owners(address, port) or [])


def _owners(address: str, port: int) -> list[int] | None:
    """Return the users who listen where a connection to an address goes; None without /proc."""
    if not (_TABLES_AT / "tcp").exists():
        return None
    there = [row for row in _sockets() if row.listens and row.port == port]
    exact = [row.owner for row in there if row.address == address]
    return exact or [row.owner for row in there if row.address in _any_of(address)]


def _any_of(address: str) -> tuple[str, ...]:
    """Return the wildcards that stand for an address too: that of version 6 may serve version 4 as well."""
    return _ANY[:1] if ":" in address else _ANY


def owners_of_clients(port: int) -> dict[tuple[str, int], int]:
    """Return the user id of each socket of this machine that is connected to a port, by its own address and port."""
    return {(row.address, row.port): row.owner for row in _sockets() if row.peer_port == port}


def _sockets() -> Iterator[_Socket]:
    for name in _TABLES:
        file = _TABLES_AT / name
        if file.exists():
            yield from (_socket(line.split(), _TABLES[name]) for line in file.read_text().splitlines()[1:])


def _socket(fields: list[str], family: socket.AddressFamily) -> _Socket:
    where, _, port = fields[1].partition(":")
    words = (int(where[at : at + _WORD], 16) for at in range(0, len(where), _WORD))
    packed = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
    address = socket.inet_ntop(family, packed).removeprefix("::ffff:")
    peer_port = int(fields[2].partition(":")[2], 16)
    return _Socket(address, int(port, 16), peer_port, fields[3] == _LISTENS, int(fields[7]))
