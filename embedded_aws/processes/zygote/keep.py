"""The keeper: runs programs for the server, and ends whatever lives below it when the server dies, however it dies.

Run by its path: `keep.py SERVER CONTROL WILL`. A guard stands above it, and each ends everything where the other dies;
so nothing is left unless server, keeper and guard are killed in one moment. WILL is a file, given by number, of what
else is to be done once the server is gone: a line `+N` or `-N` says which process groups live, and `!` begins a
command, as JSON, that removes containers.
"""

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
serve = importlib.import_module("serve")


def start(request: dict[str, Any], files: list[int]) -> int:
    """Start a program that writes both of its outputs to the first file; the others' numbers end its command."""
    output, *handed = files
    process = subprocess.Popen(
        [*request["command"], *map(str, handed)],
        cwd=request["folder"],
        env=request["environment"],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=handed,
        start_new_session=True,
    )
    process.returncode = 0  # its supervisor waits for it, not this object
    return process.pid


def carry_out(will: int) -> None:
    """End the groups and run the commands that the server has left."""
    groups: set[int] = set()
    commands = []
    os.lseek(will, 0, os.SEEK_SET)
    with os.fdopen(will) as lines:
        for line in lines:
            if line[0] == "!":
                commands.append(json.loads(line[1:]))
            else:
                (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for command in commands:
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def main(server: int, control: socket.socket, will: int) -> None:
    """Be the guard, and below it the keeper."""
    os.set_inheritable(will, False)
    guarded, _guarding = os.pipe()
    serve.offspring.adopt_orphans()
    keeper = os.fork()
    if keeper == 0:
        os.close(_guarding)
        serve.Zygote(control, start, guarded).serve()
        serve.offspring.end_descendants()
        if is_gone(control):
            carry_out(will)
        os._exit(0)
    control.close()
    os.close(guarded)
    while (ended := os.waitpid(-1, os.WUNTRACED))[0] != keeper or serve.running.killed_if_frozen(*ended):
        pass
    serve.offspring.end_descendants()
    if ended[1] and os.getppid() != server:
        carry_out(will)


def is_gone(control: socket.socket) -> bool:
    """Return whether the other end of a socket is closed."""
    control.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while control.recv(65_536):
            pass
        return True
    return False


if __name__ == "__main__":
    main(int(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])), int(sys.argv[3]))
