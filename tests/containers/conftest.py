"""The embedded AWS with jobs in containers; without an engine, or the right to use it, these tests say so and skip."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from gristmill.errors import Refused
from gristmill.local import daemon
from gristmill.local.containers.engine import IMAGE, Engine, find
from tests.integration.conftest import PIPELINES, deployed
from tests.integration.mill import Mill


@pytest.fixture(scope="session")
def engine() -> Engine:
    try:
        return find(0)
    except Refused as refused:
        pytest.skip(str(refused))


@pytest.fixture(scope="session")
def mill(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    subprocess.run([daemon.PROJECT / "batch_jobs/images/build.sh", "cpu"], check=True)
    data = tmp_path_factory.mktemp("aws")
    os.environ["GRISTMILL_PIPELINES"] = str(PIPELINES)
    state = daemon.up(data, ["--port", "0", "--vcpus", "4", "--containers"])
    try:
        yield deployed(state.endpoint, data, JobImage=IMAGE)
    finally:
        daemon.down(data)
