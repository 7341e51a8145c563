"""Which names this embedded AWS answers to: loopback, a bucket's virtual host, and its bridge's own address."""

import ipaddress
import re
from dataclasses import dataclass

from embedded_aws.access.request import Request

_BUCKET = re.compile(r"([a-z0-9][a-z0-9.-]{1,61}?[a-z0-9])(\.s3(\.[a-z0-9-]+)?)?\.localhost")
_LOCALHOST = "localhost"


@dataclass(frozen=True)
class Named:
    """What a request's Host names: this server, and a bucket where it is one's virtual host."""

    bucket: str = ""


def named_by(request: Request, port: int, bridges: frozenset[str]) -> Named | None:
    """Return what the one Host of a request names; None where that is not this server, on its own port."""
    lines = request.lines("host")
    if len(lines) != 1 or not request.is_origin_form:
        return None
    name, given = _split(lines[0].lower())
    if given != port:
        return None
    if name == _LOCALHOST or name in bridges or _is_loopback(name):
        return Named()
    found = _BUCKET.fullmatch(name)
    return Named(found[1]) if found else None


def _split(host: str) -> tuple[str, int]:
    """Return name and port of a Host; HTTP's own port where it has none."""
    found = re.fullmatch(r"(\[[0-9a-f:]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?", host, re.ASCII)
    return (found[1], int(found[2] or 80)) if found else ("", 0)


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback and (":" in name) == name.startswith("[")
    except ValueError:
        return False
