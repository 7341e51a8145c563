"""Which engines work here, and docker's client on podman's service where docker's own engine is absent."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ON_PODMAN = "docker-client-on-podman"


def working() -> list[str]:
    """Return the ways in which containers can be had on this machine."""
    found = [item for item in ("podman", "docker") if _answers(item)]
    if "podman" in found and "docker" not in found and shutil.which("docker"):
        found.append(ON_PODMAN)
    return found


def _answers(program: str) -> bool:
    if shutil.which(program) is None:
        return False
    return subprocess.run([program, "info"], capture_output=True, check=False).returncode == 0


class Service:
    """podman's service, which speaks docker's language."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._socket = folder, folder / "docker.sock"
        self.host = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["podman", "system", "service", "--time=0", self.host],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 20
        while not _answers_at(self.host):
            assert time.monotonic() < end, "podman's service does not answer"
            time.sleep(0.1)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._socket.unlink(missing_ok=True)


def _answers_at(host: str) -> bool:
    done = subprocess.run(["docker", "--host", host, "version"], capture_output=True, check=False)
    return done.returncode == 0


@contextmanager
def chosen(way: str, folder: Path) -> Iterator[Service | None]:
    """Have `find`, build.sh and every client use one way."""
    service = Service(folder) if way == ON_PODMAN else None
    before = dict(os.environ)
    os.environ["ENGINE"] = "podman" if way == "podman" else "docker"
    if service:
        os.environ["DOCKER_HOST"] = service.host
    try:
        yield service
    finally:
        os.environ.clear()
        os.environ.update(before)
        if service:
            service.kill()
