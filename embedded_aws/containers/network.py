"""Addresses on the bridge network, and keeping the bridge as it is while containers come and go."""

import contextlib
import ipaddress
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

_FREEBIND = 15  # IP_FREEBIND, <linux/in.h>: the address may be bound before its interface is there
_MAC = "02:67:72:69:73:74"  # locally administered
_BRIDGE_SECONDS = 10.0


class Addresses:
    """Hands out addresses of a subnet; the first one is the gateway, where the embedded AWS listens."""

    def __init__(self, subnet: str) -> None:
        hosts = ipaddress.ip_network(subnet).hosts()
        self.gateway = str(next(hosts))
        self._fresh = hosts
        self._lock = threading.Lock()
        self._free: list[str] = []

    def take(self) -> str:
        """Return an address that no container has."""
        with self._lock:
            return self._free.pop(0) if len(self._free) > _RESTING else str(next(self._fresh))

    def give_back(self, address: str) -> None:
        """Let another container have it, but not soon: its neighbours still know the old one."""
        with self._lock:
            self._free.append(address)


_RESTING = 64  # addresses that rest before they are used again


def listen_at(address: str, port: int) -> socket.socket:
    """Return a socket that listens on the bridge's own address, which no other machine reaches."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_IP, _FREEBIND, 1)
    listener.bind((address, port))
    return listener


def bridge_of(subnet: str) -> str | None:
    """Return the interface by which a subnet is reached; None before there is one."""
    wanted = ipaddress.ip_network(subnet).network_address.packed[::-1].hex().upper()
    routes = [line.split() for line in Path("/proc/net/route").read_text(encoding="utf-8").splitlines()[1:]]
    return next((words[0] for words in routes if words[1] == wanted), None)


def pin(subnet: str) -> None:
    """Give the bridge of a subnet a hardware address of its own, once it is there.

    Without one it takes the lowest of its ports: when that container leaves, the address changes, and the others lose
    the store for half a minute. Needs the right to; where it lacks, the bridge stays as it is.
    """
    threading.Thread(target=_pin, args=(subnet,), name=f"pin-{subnet}", daemon=True).start()


def _pin(subnet: str) -> None:
    program = shutil.which("ip") or "/usr/sbin/ip"
    end = time.monotonic() + _BRIDGE_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            bridge = bridge_of(subnet)
            if bridge is not None:
                if Path(f"/sys/class/net/{bridge}/address").read_text(encoding="utf-8").strip() != _MAC:
                    words = [program, "link", "set", "dev", bridge, "address", _MAC]
                    subprocess.run(words, capture_output=True, check=False)
                return
        time.sleep(0.05)
