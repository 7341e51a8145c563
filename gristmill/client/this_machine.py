"""Which endpoints lead to this machine: decided by the addresses of their hosts, not by how these are written."""

import ipaddress
import socket
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "::1")
_PORTS = {"http": 80, "https": 443}
_OF_SERVICES = "AWS_ENDPOINT_URL"  # and with a service's name behind it


def is_on_this_machine(endpoint: str | None) -> bool:
    """Return whether an endpoint's URL leads to this machine itself."""
    return bool(endpoint and places_here(endpoint))


def places_here(endpoint: str) -> list[tuple[str, int]]:
    """Return the addresses and ports of this machine that an endpoint's URL leads to; none for any other place."""
    try:
        url = urlsplit(endpoint)
        port = url.port or _PORTS.get(url.scheme, 0)
    except ValueError:  # it is no URL
        return []
    return [(address, port) for address in _addresses_here((url.hostname or "").rstrip("."))]


def leading_here(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that lead services of AWS to this machine."""
    led = (name for name, value in environment.items() if name.startswith(_OF_SERVICES) and is_on_this_machine(value))
    return sorted(led)


@cache
def _addresses_here(host: str) -> list[str]:
    """Return the addresses of this machine that a name or a number stands for, each as clients would connect to it."""
    if not host:
        return []
    if host.endswith(".localhost"):  # a resolver that knows such names knows them so (RFC 6761)
        return list(LOOPBACK)
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # no such name
        return []
    return list(dict.fromkeys(address for family, *_, where in found if (address := _here(family, where))))


def _here(family: int, where: tuple[Any, ...]) -> str:
    """Return an address if it is this machine's, and nothing for any other."""
    address = ipaddress.ip_address(str(where[0]).partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_unspecified:  # it is connected to as loopback
        return LOOPBACK[address.version == 6]
    return str(address) if address.is_loopback or _is_own(family, where) else ""


def _is_own(family: int, where: tuple[Any, ...]) -> bool:
    """Return whether an address is of an interface of this machine: what goes to one comes from it. Sends nothing."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((where[0], 9, *where[2:]))
            return bool(probe.getsockname()[0] == where[0])
    except OSError:  # no way leads there
        return False
