"""The server process of the embedded AWS."""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from embedded_aws.containers.network import Addresses, listen_at
from embedded_aws.lifecycle.folder import prepare
from embedded_aws.lifecycle.locks import SERVER_LOCK, is_at, take
from embedded_aws.lifecycle.processes import start_of
from embedded_aws.lifecycle.state import STATE_FILE, ServerState, write_state
from embedded_aws.machine import search_path
from embedded_aws.machine.errors import Refused
from embedded_aws.processes import scratch
from embedded_aws.processes.keeper import keeper
from embedded_aws.server import log_format
from embedded_aws.server.listening import listen_on_loopback
from embedded_aws.server.options import options
from embedded_aws.settings.application import Application, from_json
from embedded_aws.settings.limits import S3_PART_MAX
from embedded_aws.settings.settings import CALLS_FILE, Settings

_PREDECESSOR_SECONDS = 15.0  # that one of the same folder may take to end
_THREADS = 96  # a nested call (state machine -> own HTTP -> function) holds two
_RECEIVE = 128 * 1024  # bytes at once; waitress's own 8 KiB make large uploads slow
_HEAD_MAX = 64 * 1024  # bytes; it is searched anew for its end with each piece that comes
_BODY_MAX = S3_PART_MAX + S3_PART_MAX // 100  # chunks have heads
_SEND_AHEAD = 1024**2  # bytes that a response may be ahead of its client


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; then end every process that was started."""
    lock = take(settings.data / SERVER_LOCK, _PREDECESSOR_SECONDS)
    scratch.sweep(settings.data)
    listeners = listen_on_loopback(settings.port)
    settings = replace(settings, port=listeners[0].getsockname()[1])
    search_path.begin(settings.data, search_path.folders(os.environ, settings.application.search_path))
    _be_endpoint(settings)
    from waitress import server as waitress_server

    from embedded_aws.server.app import close_app, create_app, guarded
    from embedded_aws.server.calls import Calls
    from embedded_aws.server.connections import Parser, Server, connection_limit
    from embedded_aws.server.headers import Channel, LineParser
    from embedded_aws.services.s3.blobs import blobs_in

    application = create_app(settings)
    if settings.log_calls:
        application = Calls(application, settings, settings.data / CALLS_FILE)
    gate = LineParser.gate = guarded(application, settings, _bridges(settings))
    Parser.store, Server.channel_class, waitress_server.TcpWSGIServer = blobs_in(settings.data), Channel, Server
    server = waitress_server.create_server(
        gate,
        sockets=[*listeners, *(listen_at(address, settings.port) for address in _bridges(settings))],
        threads=_THREADS,
        connection_limit=connection_limit(),
        asyncore_use_poll=True,  # select() ends at the 1,024th open file
        max_request_header_size=_HEAD_MAX,
        max_request_body_size=_BODY_MAX,
        recv_bytes=_RECEIVE,
        outbuf_high_watermark=_SEND_AHEAD,  # a writer waits above it, so below the overflow no file is written
        outbuf_overflow=2 * _SEND_AHEAD,
    )
    server.task_dispatcher.shutdown = lambda: None  # its threads wait for functions and jobs, which end with the rooms
    signal.signal(signal.SIGTERM, _stop)
    write_state(state_of(settings))
    logging.info("serving at %s", settings.endpoint)
    if settings.start_lock is not None:
        os.close(settings.start_lock)
    try:
        server.run()
    finally:
        close_app()
        keeper().close()
        if is_at(settings.data / SERVER_LOCK, lock):  # else the folder is another server's by now
            scratch.sweep(settings.data)
            (settings.data / STATE_FILE).unlink(missing_ok=True)


def _bridges(settings: Settings) -> list[str]:
    """Return this machine's address on the bridge of containers or isolated nodes, where there is one.

    No other machine reaches that.
    """
    if settings.containers:
        return [Addresses(settings.container_subnet).gateway]
    return [Addresses(settings.isolated_subnet).gateway] if settings.isolate else []


def state_of(settings: Settings) -> ServerState:
    """Return what this process notes of itself, once it can serve."""
    return ServerState(
        pid=os.getpid(),
        started=start_of(os.getpid()) or "",
        nonce=settings.nonce,
        port=settings.port,
        endpoint=settings.endpoint,
        region=settings.region,
        data=str(settings.data),
        started_by=settings.started_by,
        project=settings.application.source,
        containers=settings.containers,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        access_key_id=settings.key_ring.user.access_key_id,
        secret_access_key=settings.key_ring.user.secret_access_key,
    )


def _be_endpoint(settings: Settings) -> None:
    """Make every client of this process, moto's own included, speak to this server."""
    os.environ.update(settings.client_environment(settings.key_ring.server))
    os.environ["MOTO_PORT"] = str(settings.port)


def _stop(_number: int, _frame: FrameType | None) -> None:
    threading.Thread(target=_force, daemon=True).start()
    raise SystemExit


def _force() -> None:
    """End the process even where a thread does not let it."""
    time.sleep(10)
    os._exit(1)


def settings_from(arguments: list[str]) -> Settings:
    """Return the settings that the command line gives."""
    parser = argparse.ArgumentParser(
        prog="python -m embedded_aws.server.server", description=__doc__, parents=[options()]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder for mails, logs and unpacked code")
    parser.add_argument("--started-by", default="", metavar="TEXT", help="program and version, for the state file")
    parser.add_argument(
        "--application", default=Application(), type=from_json, help="what runs on it, as JSON (application.py)"
    )
    parser.add_argument("--start-lock", type=int, metavar="FILE", help="open file to close once the server serves")
    chosen = parser.parse_args(arguments)
    prepare(chosen.data)
    given = {
        "vcpus": chosen.vcpus,
        "memory_mib": chosen.memory,
        "gpus": chosen.gpus,
        "runnable_seconds": chosen.runnable_seconds,
    }
    more = {name: value for name, value in given.items() if value is not None}
    return Settings(
        data=chosen.data.resolve(),
        started_by=chosen.started_by,
        application=chosen.application,
        port=chosen.port,
        smtp=chosen.smtp,
        log_calls=chosen.log_calls,
        isolate=chosen.isolate,
        containers=chosen.containers,
        start_lock=chosen.start_lock,
        container_subnet=chosen.container_subnet,
        **more,
    )


if __name__ == "__main__":
    os.umask(0o077)  # mails, logs, code and what jobs write are for its user alone
    log_format.configure()
    try:
        serve(settings_from(sys.argv[1:]))
    except Refused as refused:
        print(log_format.one_line(str(refused)), file=sys.stderr)  # noqa: T201 - the last line of the log is what `local up` tells
        sys.exit(refused.exit_code)
    logging.shutdown()
    os._exit(0)  # all is closed; the interpreter's own teardown of a million objects takes seconds
