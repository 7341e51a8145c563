"""Ends a server that has proven itself, and nothing else."""

import os
import signal
import time

from embedded_aws.lifecycle.processes import start_of
from embedded_aws.lifecycle.state import ServerState

_STOP_SECONDS = 15.0
_LOOK = 0.05


def end_server(state: ServerState) -> None:
    """Ask a server to end, and wait until it has; one that takes too long is killed.

    The caller has had it prove itself. Where the system has handles of processes (pidfd, Linux), the signal reaches
    that very process or none; elsewhere its start is looked at just before.
    """
    handle = _handle(state.pid)
    try:
        _signal(state, handle, signal.SIGTERM)
        end = time.monotonic() + _STOP_SECONDS
        while start_of(state.pid) == state.started:
            if time.monotonic() > end:
                _signal(state, handle, signal.SIGKILL)
            time.sleep(_LOOK)
    finally:
        if handle is not None:
            os.close(handle)


def _handle(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    except OSError:  # it has ended, or this kernel has no handles
        return None


def _signal(state: ServerState, handle: int | None, number: signal.Signals) -> None:
    """Send a signal if that process still lives; a handle that is open by now keeps its number from passing on."""
    if start_of(state.pid) != state.started:
        return
    try:
        if handle is None:
            os.kill(state.pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return
