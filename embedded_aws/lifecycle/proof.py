"""Whether an embedded AWS is the server of its state file: it proves that it knows the file's nonce.

Until then it gets no signal, no key and no data.
"""

import hmac
import json
import secrets
import socket
import time
from pathlib import Path

from embedded_aws.lifecycle.listeners import check_listener
from embedded_aws.lifecycle.processes import command_of, start_of
from embedded_aws.lifecycle.state import STATE_FILE, BadState, ServerState, host_of, read_state
from embedded_aws.machine.errors import Unreachable

IDENTITY = "/_embedded/identity"  # ?challenge=HEX, answered by the server's pid and its proof
_SECONDS = 10.0  # for the whole answer: a busy server is slow
_MOST_BYTES = 16 * 1024


class Unproven(Unreachable):
    """Raised when the process that a state file names does not answer as its server."""


def proof(nonce: str, challenge: str) -> str:
    """Return what only who knows the nonce can answer to a challenge."""
    return hmac.new(nonce.encode(), challenge.encode(), "sha256").hexdigest()


def find_server(folder: Path) -> ServerState | None:
    """Return the server that lives in a data folder, once it has proven itself; None where none lives (any more).

    Raises BadState for a file that cannot be believed, Unproven for a server that does not answer.
    """
    state = read_state(folder)
    if state is None or not is_running(state):
        return None
    try:
        _prove(state)
    except (OSError, ValueError, RecursionError) as error:
        if not is_running(state):  # it has died meanwhile
            return None
        raise _unproven(state, str(error) or type(error).__name__) from error
    return state


def is_running(state: ServerState) -> bool:
    """Return whether the very process that wrote a state lives, and is ours."""
    return start_of(state.pid) == state.started


def serve_command(data: str) -> str:
    """Return the words by which a server's command line names its data folder."""
    return f"-m embedded_aws.server.server --data {data}"


def _unproven(state: ServerState, why: str) -> Unreachable:
    """Name the process only where its command line is that of a server of this folder: a user may end it then."""
    if f"{serve_command(state.data)} " not in f"{command_of(state.pid)} ":
        return BadState(Path(state.data) / STATE_FILE, f"process {state.pid} is no embedded AWS of this folder")
    return Unproven(
        f"the embedded AWS of {state.data} (process {state.pid}) does not answer at {state.endpoint}: {why}.",
        f"Try again; if it hangs, end it by hand: kill -9 {state.pid}",
    )


def _prove(state: ServerState) -> None:
    """OSError or ValueError unless the server at the endpoint is ours, and answers a new challenge rightly."""
    host = host_of(state.endpoint)
    address = "127.0.0.1" if host in (None, "localhost") else str(host)  # by number: no name is looked up
    check_listener(address, state.port)
    challenge = secrets.token_hex(32)
    answer = json.loads(_ask(address, state.port, f"{IDENTITY}?challenge={challenge}"))
    if not isinstance(answer, dict) or answer.get("pid") != state.pid:
        raise ValueError("another process answers there")
    if not hmac.compare_digest(str(answer.get("proof")).encode(), proof(state.nonce, challenge).encode()):
        raise ValueError("it does not know the secret of its state file")


def _ask(address: str, port: int, path: str) -> bytes:
    """Return the body of an answer over HTTP, within a time for all of it. No proxy comes between."""
    end = time.monotonic() + _SECONDS
    head = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    received = b""
    with socket.create_connection((address, port), _SECONDS) as connection:
        connection.sendall(head.encode())
        while len(received) <= _MOST_BYTES:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            connection.settimeout(left)
            data = connection.recv(_MOST_BYTES)
            if not data:
                break
            received += data
    start, _, body = received.partition(b"\r\n\r\n")
    if start.split(b" ", 2)[1:2] != [b"200"] or len(received) > _MOST_BYTES:
        raise ValueError("it answers something else")
    return body
