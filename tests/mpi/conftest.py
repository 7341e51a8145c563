"""A store for nodes that are real processes; a machine that cannot have such nodes skips them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.lifecycle import daemon
from embedded_aws.processes import hostname
from gristmill.client import embedded
from gristmill.client.target import Target, at_server
from tests.integration.conftest import deployed
from tests.integration.mill import Mill
from tests.mpi.nodes import Nodes

_BUCKET = "nodes"


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    data = tmp_path_factory.mktemp("aws")
    made = at_server(embedded.up(data, ["--port", "0"]))
    made.client("s3").create_bucket(Bucket=_BUCKET)
    try:
        yield made
    finally:
        daemon.down(data)


@pytest.fixture(scope="session")
def hosts() -> None:
    tried = subprocess.run(
        [sys.executable, hostname.__file__, "probe", "uname", "-n"], capture_output=True, text=True, check=False
    )
    if tried.stdout.strip() != "probe":
        pytest.skip(f"this machine gives no process a host name of its own: {tried.stderr.strip()}")


@pytest.fixture
def nodes(target: Target, hosts: None, tmp_path: Path) -> Iterator[Callable[..., Nodes]]:
    made: list[Nodes] = []

    def make(count: int, **more: Any) -> Nodes:
        made.append(Nodes(target, _BUCKET, tmp_path, count, **more))
        return made[-1]

    yield make
    for node in made:
        node.close()


@pytest.fixture(scope="session")
def mpi_mill(tmp_path_factory: pytest.TempPathFactory, hosts: None) -> Iterator[Mill]:
    """Give the deployed template on an embedded AWS that counts 8 vCPUs, whatever the machine has."""
    data = tmp_path_factory.mktemp("aws")
    os.environ["GRISTMILL_PIPELINES"] = str(Path(__file__).parent / "pipelines")
    state = embedded.up(data, ["--port", "0", "--vcpus", "8", "--log-calls"])
    try:
        yield deployed(state.endpoint, data)
    finally:
        daemon.down(data)
