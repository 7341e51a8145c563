"""The embedded AWS with jobs in containers; without an engine, or the right to use it, these tests say so and skip."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.containers.engine import Engine, find
from embedded_aws.lifecycle import daemon
from embedded_aws.machine.errors import Refused
from gristmill.client import embedded
from gristmill.client.deploy import IMAGES
from tests.containers import engines
from tests.containers.jobs import Contained
from tests.integration.conftest import PIPELINES, deployed
from tests.project import PROJECT

WAYS = engines.working() or ["none"]


@pytest.fixture(scope="session", params=WAYS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with engines.chosen(request.param, tmp_path_factory.mktemp("engine")):
        try:
            yield find(0)
        except Refused as refused:
            pytest.skip(str(refused))


@pytest.fixture(scope="session")
def images(engine: Engine) -> None:
    subprocess.run([PROJECT / "batch_jobs/images/build.sh"], check=True)


@pytest.fixture(scope="session")
def mill(engine: Engine, images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contained]:
    data = tmp_path_factory.mktemp("aws")
    own = data / "pipelines"  # a test may make pipelines of its own here
    os.environ["GRISTMILL_PIPELINES"] = os.pathsep.join([str(PIPELINES), str(own)])
    state = embedded.up(data, ["--port", "0", "--vcpus", "4", "--containers"])
    own.mkdir()  # not before: a server takes no folder that holds anything else
    try:
        made = deployed(state.endpoint, data, MaxGpuvCpus="4", **IMAGES)
        yield Contained(made.endpoint, made.data, made.outputs, engine=engine)
    finally:
        daemon.down(data)
    assert left(engine, state.port) == ""


def left(engine: Engine, port: int) -> str:
    """Return what an embedded AWS has left: containers, volumes, its network."""
    containers = engine.ask("ps", "--all", "--quiet", "--filter", f"label=gristmill-port={port}").stdout
    networks = engine.ask("network", "ls", "--quiet", "--filter", f"name=gristmill-{port}").stdout
    return containers + networks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder that the user of a container may write to."""
    tmp_path.chmod(0o777)
    return tmp_path
