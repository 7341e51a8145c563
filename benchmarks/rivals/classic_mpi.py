"""The classic way to start MPI on a multi-node Batch job, over real ssh: the shell script of the AWS Batch tutorials.

Every node runs an sshd and appends its line to a host file on the main node over ssh; the main node looks at the file
every few seconds until all lines are there, then calls mpirun, which starts its daemons over ssh. Nodes are processes
of this machine with host names of their own (Linux); each has an sshd on a high port of 127.0.0.1. All share one
throw-away user key and one host key, as the tutorials bake them into the image. sshd runs as whoever measures.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from embedded_aws.processes import hostname
from gristmill.worker.node.mpirun import find_mpirun

_SSHD = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
AuthenticationMethods publickey
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
MaxStartups 200
"""
_SSH = """
Host node-{index}
  HostName 127.0.0.1
  Port {port}
"""
_SSH_ALL = """
Host *
  User {user}
  IdentityFile {folder}/user_key
  IdentitiesOnly yes
  BatchMode yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
"""
_MAIN = """
{sshd} -D -E {folder}/sshd.log -f {folder}/sshd-0 >/dev/null 2>&1 &
echo "localhost slots=1" >{folder}/hosts
while [ "$(wc -l <{folder}/hosts)" -lt {nodes} ]; do sleep {every}; done
{mpirun} --allow-run-as-root --hostfile {folder}/hosts -n {nodes} --bind-to none \
  --mca pml ob1 --mca btl tcp,sm,self {yielding} \
  --prtemca plm_ssh_agent "ssh -F {folder}/ssh" --prtemca plm_ssh_no_tree_spawn 1 {python} -m mpi4py {program}
"""
_OTHER = """
{sshd} -D -E {folder}/sshd.log -f {folder}/sshd-{index} >/dev/null 2>&1 &
until ssh -E {folder}/ssh.log -F {folder}/ssh node-0 "echo node-{index} slots=1 >>{folder}/hosts"; do sleep 0.1; done
wait
"""


def why_not() -> str:
    """Return why this machine cannot have the classic way, empty where it can."""
    missing = [name for name in ("ssh", "ssh-keygen") if not shutil.which(name)]
    missing += [] if _sshd() else ["sshd"]
    if missing:
        return f"{', '.join(missing)} not installed here (Debian: apt-get install openssh-server)"
    return ""


def _sshd() -> str | None:
    return shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


class Classic:
    """One start of a job of `count` nodes in an empty folder; `close` ends all of it."""

    def __init__(self, folder: Path, count: int, every: float, program: Path) -> None:
        crowded = "--mca mpi_yield_when_idle 1" if count > (os.cpu_count() or 1) else ""  # as ours has it
        self._words = {"folder": folder, "sshd": _sshd(), "nodes": count, "every": every, "program": program}
        self._words |= {"mpirun": find_mpirun(), "python": sys.executable, "yielding": crowded}
        self._folder = folder
        self._started: list[subprocess.Popen[str]] = []
        for key in ("user_key", "host_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd as root shuts its network side in
        listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        ports = [listener.getsockname()[1] for listener in listeners]
        for item in listeners:
            item.close()
        for index, port in enumerate(ports):
            (folder / f"sshd-{index}").write_text(_SSHD.format(port=port, folder=folder))
        hosts = "".join(_SSH.format(index=index, port=port) for index, port in enumerate(ports))
        user = pwd.getpwuid(os.getuid()).pw_name
        (folder / "ssh").write_text(hosts + _SSH_ALL.format(user=user, folder=folder))

    def start(self, index: int) -> subprocess.Popen[str]:
        """Start a node: the main one is 0."""
        script = (_OTHER if index else _MAIN).format(index=index, **self._words)
        process = subprocess.Popen(
            [sys.executable, "-P", "-S", hostname.__file__, f"node-{index}", "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if index == 0 else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def hosts(self) -> list[str]:
        """Return the lines of the host file."""
        file = self._folder / "hosts"
        return file.read_text().splitlines() if file.exists() else []

    def close(self) -> None:
        """End every node, its sshd with it."""
        for process in self._started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
