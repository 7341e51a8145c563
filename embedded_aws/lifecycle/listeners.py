"""Whose the sockets are that listen on this machine, as Linux tells it (proc(5), /proc/net/tcp); nothing elsewhere."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

_TABLES_AT = Path("/proc/net")
_TABLES = {"tcp": socket.AF_INET, "tcp6": socket.AF_INET6}
_LISTENS = "0A"
_ANY = ("0.0.0.0", "::")  # noqa: S104 - what others listen to, not we
_WORD = 8  # hexadecimal digits of 32 bits, which stand in the machine's own byte order


def check_listener(address: str, port: int) -> None:
    """Raise ValueError unless a connection to a loopback address reaches this user; tells nothing without /proc."""
    tables = {name: _TABLES_AT / name for name in _TABLES}
    if not tables["tcp"].exists():
        return
    rows = [
        row
        for name, file in tables.items()
        if file.exists()
        for row in _listening(file.read_text(encoding="utf-8"), name)
    ]
    there = [(at, owner) for at, number, owner in rows if number == port and at in (address, *_ANY)]
    exact = [owner for at, owner in there if at == address]
    owners = exact or [owner for _, owner in there]
    if not owners:
        raise ValueError("nothing listens there")
    if any(owner != os.getuid() for owner in owners):
        raise ValueError("another user listens there")


def _listening(table: str, name: str) -> Iterator[tuple[str, int, int]]:
    """Yield address, port and owner of each socket of a table that listens."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTENS:
            where, _, port = fields[1].partition(":")
            words = (int(where[at : at + _WORD], 16) for at in range(0, len(where), _WORD))
            packed = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
            yield socket.inet_ntop(_TABLES[name], packed).removeprefix("::ffff:"), int(port, 16), int(fields[7])
