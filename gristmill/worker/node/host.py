"""Inspect the node's own host: address, processors, GPUs, and whether it has an EFA."""

import fcntl
import ipaddress
import os
import re
import socket
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

_ANYWHERE = "198.51.100.1"  # an address for documentation: nothing is sent, the route to it is looked up
_ADDRESS, _NETMASK = 0x8915, 0x891B  # SIOCGIFADDR, SIOCGIFNETMASK
_MACHINE = Path("/proc/sys/kernel/random/boot_id")
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Registration:
    """`node-<i>.json`: a node that can be used, or, with `error`, one that cannot."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # the main node checks it; the others start without pydantic

    address: str = ""
    interface: str = ""  # that has the address; empty if the system does not know
    network: str = ""  # of the address, as 10.0.0.0/16; the same
    host: str = ""
    machine: str = ""  # nodes that are processes or containers of one machine share it
    processors: int = 0
    slots: int = 0
    efa: bool = False
    error: str = ""


def register(main_address: str, store_endpoint: str, cap: int | None, environment: Mapping[str, str]) -> Registration:
    """Return this node's registration with the main one."""
    address = own_address(main_address, store_endpoint)
    interface, network = interface_of(address)
    return Registration(
        address=address,
        interface=interface,
        network=network,
        host=socket.gethostname(),
        machine=_MACHINE.read_text(encoding="utf-8").strip() if _MACHINE.is_file() else "",
        processors=processors(),
        slots=slots(gpus(environment), processors(), cap),
        efa=has_efa(Path("/sys/class/infiniband")),
    )


def own_address(main_address: str, store_endpoint: str) -> str:
    """Return this host's address on the way to the main node, else to the store, else to anywhere."""
    for target in (main_address, urlsplit(store_endpoint).hostname or "", _ANYWHERE):
        address = _source_address(target) if target else ""
        if address and not address.startswith("127."):
            return address
    return _LOOPBACK


def _source_address(target: str) -> str:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def interface_of(address: str) -> tuple[str, str]:
    """Return the interface and the network of one of this host's addresses, empty where unknown (not on Linux)."""
    for _, name in socket.if_nameindex() if sys.platform == "linux" else ():
        try:
            if _ask(name, _ADDRESS) == address:
                return name, str(ipaddress.ip_network(f"{address}/{_ask(name, _NETMASK)}", strict=False))
        except OSError:  # an interface without an address
            continue
    return "", ""


def _ask(interface: str, question: int) -> str:
    """Ask the kernel for an interface's IPv4 address or netmask; netdevice(7)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        answer = fcntl.ioctl(asker.fileno(), question, struct.pack("256s", interface.encode()))
    return socket.inet_ntoa(answer[20:24])


def slots(gpus: int, processors: int, cap: int | None) -> int:
    """Return how many ranks a node takes: one a GPU if it has any, else one a processor, the cap at most."""
    own = gpus or processors
    return max(1, min(own, cap) if cap else own)


def processors(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Return the processors that this process may use, its container's quota included."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = re.match(r"(\d+) (\d+)", quota.read_text(encoding="utf-8")) if quota.is_file() else None
    return max(1, min(usable, int(found[1]) // int(found[2]))) if found else usable


def gpus(environment: Mapping[str, Any]) -> int:
    """Return the GPUs that the container was given."""
    for name in ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"):
        devices = environment.get(name, "")
        if devices and devices not in ("all", "none", "void"):
            return len(devices.split(","))
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def has_efa(devices: Path) -> bool:
    """Tell whether the host has an Elastic Fabric Adapter that this container may use."""
    return any(devices.glob("efa*")) and Path("/dev/infiniband/uverbs0").exists()
