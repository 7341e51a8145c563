"""Where the server listens: on loopback, and for containers or isolated nodes on their bridge."""

import contextlib
import errno
import socket

from embedded_aws.machine.errors import Refused

_LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_TRIES = 10


def listen_on_loopback(port: int) -> list[socket.socket]:
    """Return sockets on every address that `localhost` means; 0 takes a port that is free on all of them.

    A client may try either address first, and another user's program must not be there. Refused if one is taken.
    """
    for _ in range(_TRIES):
        with contextlib.ExitStack() as opened:
            listeners: list[socket.socket] = []
            try:
                for family, address in _LOOPBACK:
                    chosen = listeners[0].getsockname()[1] if listeners else port
                    listeners += [opened.enter_context(listener) for listener in listen(family, address, chosen)]
            except Refused:
                if port:
                    raise
                continue
            opened.pop_all()
            return listeners
    raise Refused(["no port is free on both 127.0.0.1 and ::1"], "Name one: --port N.")


def listen(family: socket.AddressFamily, address: str, port: int) -> list[socket.socket]:
    """Return a socket at an address, none where this machine has no such address; Refused if the port is taken."""
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError:  # a machine without this family
        return []
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        if error.errno in _NO_SUCH_ADDRESS:
            return []
        raise Refused(
            [f"port {port} of {address} is taken ({error.strerror})"],
            f"See who has it (lsof -i :{port}), or choose another: --port 0 takes a free one.",
        ) from error
    return [listener]
