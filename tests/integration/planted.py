"""Run in a pid namespace of its own: state files that name processes which are no server, and what becomes of these.

Fails if one of them ends, or a command ends in a trace. `call` may do its worst: nothing else lives here.
"""

import contextlib
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from embedded_aws.lifecycle.processes import start_of
from gristmill.cli.main import call
from tests.states import fields, plant

COMMANDS = (["local", "down"], ["local", "status"], ["runs"], ["local", "reset", "--yes"])
WRONG = (-1, 0, 1, True, "-1", -1.0, None, 2**31, 2**63, [-1])
ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@contextlib.contextmanager
def victims() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Give two processes of the same user: one of this process group, one of a session of its own."""
    living = [subprocess.Popen(["sleep", "600"], start_new_session=apart) for apart in (False, True)]
    try:
        yield living
    finally:
        for process in living:
            process.kill()
            process.wait()


def planted(home: Path, pid: int, port: int) -> Iterator[dict[str, object]]:
    """Yield state files: numbers that are none, and those of a process that lives, as an old and as a new one."""
    for number in WRONG:
        yield fields(home, pid=number, port=port)
    yield fields(home, pid=pid, started="1", port=port)
    for at in (port, 1):
        yield fields(home, pid=pid, started=start_of(pid), port=at)
    old = {"pid": -1, "port": port, "endpoint": f"http://localhost:{port}", "data": str(home)}
    yield {**old, "project": "", "started_at": "", "containers": False}


def answer_wrongly(listener: socket.socket, pid: int) -> None:
    """Answer as a server that claims to be a process, and does not know its secret."""
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(ANSWER + b'{"pid": %d, "proof": "%s"}' % (pid, b"0" * 64))


def main(home: Path) -> None:
    os.environ["GRISTMILL_HOME"] = str(home)
    listener = socket.create_server(("127.0.0.1", 0))
    with victims() as living:
        pid = living[1].pid
        threading.Thread(target=answer_wrongly, args=(listener, pid), daemon=True).start()
        for noted in planted(home, pid, listener.getsockname()[1]):
            for command in COMMANDS:
                plant(home, noted)
                written = io.StringIO()
                with contextlib.redirect_stderr(written), contextlib.redirect_stdout(written):
                    code = call(command)
                assert all(process.poll() is None for process in living), (noted, command)
                assert "Traceback" not in written.getvalue(), (noted, command, written.getvalue())
                assert (code == 0) == ("reset" in command), (noted, command, written.getvalue())


if __name__ == "__main__":
    if os.getpid() != 1:
        sys.exit("this is no pid namespace of its own")
    made = Path(tempfile.mkdtemp())
    try:
        main(made / "home")
        sys.stdout.write("done\n")
    finally:
        shutil.rmtree(made)
