"""What the embedded AWS is started with."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from embedded_aws.machine.gpus import present
from embedded_aws.machine.search_path import as_variable, noted
from embedded_aws.machine.surroundings import KeyPair, leading_to, unproxied
from embedded_aws.settings.application import Application
from embedded_aws.settings.inherited import by_process
from embedded_aws.settings.keys import KeyRing, new_pair

CALLS_FILE = "calls.jsonl"  # in the data folder: which role called what
OUTBOX = "outbox"  # in the data folder: where mails land


def _memory_mib() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2


@dataclass(frozen=True)
class Settings:
    """Where the embedded AWS listens, keeps its files, and what its Batch may use."""

    data: Path
    started_by: str = ""  # a program and its version, for the state file
    port: int = 4566
    vcpus: float = field(default_factory=lambda: float(os.cpu_count() or 1))
    memory_mib: int = field(default_factory=_memory_mib)
    gpus: int = field(default_factory=lambda: max(len(present()), 1))  # more than there are: the others are the CPU
    account: str = "123456789012"
    region: str = "us-east-1"
    runnable_seconds: float | None = None  # how long a job that can never start may wait; None: AWS's least, 600 s
    log_calls: bool = False  # note who called what
    containers: bool = False  # jobs run their images by docker or podman; else they are processes
    container_subnet: str = "10.142.0.0/16"
    isolate: bool = False  # nodes of multi-node jobs are network namespaces
    smtp: str | None = None  # host:port of a mail server that gets a copy of each mail
    application: Application = field(default_factory=Application)
    start_lock: int | None = None  # an open file, closed once the server serves
    nonce: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)  # see lifecycle/proof.py
    key_ring: KeyRing = field(default_factory=lambda: KeyRing(new_pair()), repr=False)

    @property
    def endpoint(self) -> str:
        """Return the URL of every service; by name, for buckets are addressed as sub-domains of it."""
        return f"http://localhost:{self.port}"

    @property
    def isolated_subnet(self) -> str:
        """Return the network of isolated nodes; servers that run side by side seldom share one."""
        return f"10.143.{self.port % 256}.0/24"

    @property
    def outbox(self) -> Path:
        """Return the folder where mails land."""
        return self.data / OUTBOX

    def client_environment(self, pair: KeyPair) -> dict[str, str]:
        """Return the environment that leads any AWS client here and nowhere else, as whoever has the pair."""
        return {**leading_to(self.endpoint, self.region, pair), **unproxied()}

    def process_environment(self, role: str = "") -> dict[str, str]:
        """Return what a job or function of a role inherits: its client environment, and of the user's few variables."""
        client = self.client_environment(self.key_ring.role(role))
        search_path = as_variable(self.application.search_path, noted(self.data))
        return {**by_process(os.environ), **search_path, **client}

    def job_environment(self, role: str = "") -> dict[str, str]:
        """Return what a job of a role inherits: the application's code as it lies on disk; output is not held back."""
        return {**self.process_environment(role), "PYTHONPATH": self.application.source, "PYTHONUNBUFFERED": "1"}
