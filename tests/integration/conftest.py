"""One embedded AWS for all integration tests, with the template deployed as `gristmill deploy` does it."""

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.lifecycle import daemon
from gristmill.client import embedded
from gristmill.client.deploy import deploy
from tests.integration.batch import Batch
from tests.integration.mill import Mill, target_of
from tests.project import PROJECT

WRECKED = {
    "SplitFunction": "split",
    "JobMapFunction": "job_map",
    "MergeFunction": "merge",
    "CheckOutputFunction": "check_output",
    "NotifyFunction": "notify",
}
WRECKED_TIMEOUT = 5  # seconds of each of these functions
PIPELINES = PROJECT / "tests" / "pipelines"


@pytest.fixture(scope="session")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    data = tmp_path_factory.mktemp("aws")
    folders = [str(PIPELINES), str(data / "pipelines")]  # a test may make pipelines of its own in the second
    os.environ["GRISTMILL_PIPELINES"] = os.pathsep.join(folders)  # the server hands it on to functions and jobs
    state = embedded.up(data, ["--port", "0", "--log-calls", "--runnable-seconds", "4"])
    try:
        yield deployed(state.endpoint, data)
    finally:
        daemon.down(data)


def deployed(endpoint: str, data: Path, stack: str = "gristmill", **parameters: str) -> Mill:
    """Deploy the template as a stack of its own."""
    target = target_of(data)
    clients = {name: target.client(name) for name in ("s3", "cloudformation")}
    return Mill(endpoint, data, deploy(clients, PROJECT, stack, parameters), stack)


@pytest.fixture(scope="session")
def batch_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    """Give a bare embedded AWS that counts 16 vCPUs and 4 GPUs, of which it takes 6 and 7 to be there."""
    data = tmp_path_factory.mktemp("batch")
    counted = ["--vcpus", "16", "--memory", "4096", "--gpus", "4", "--runnable-seconds", "0.3"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "6,7")
        state = embedded.up(data, ["--port", "0", *counted])
    try:
        made = Batch(state.endpoint, data, pid=state.pid)
        made.make_queue(made.queue, made.environment("hosts"))
        made.define("line")
        yield made
    finally:
        daemon.down(data)


@pytest.fixture
def batch(batch_server: Batch) -> Iterator[Batch]:
    """Give the embedded Batch; every answer of a test is held against the service's model."""
    batch_server.faults.clear()
    yield batch_server
    assert batch_server.faults == []


@pytest.fixture(scope="session")
def wreck(mill: Mill) -> Mill:
    """Deploy the template once more, and put the wrecking code before each function's own."""
    stack = deployed(mill.endpoint, mill.data, "wreck")
    functions = stack.client("lambda")
    for resource, folder in WRECKED.items():
        name = stack.physical(resource)
        functions.update_function_code(FunctionName=name, ZipFile=wrecked(folder))
        functions.update_function_configuration(FunctionName=name, Timeout=WRECKED_TIMEOUT)
    return stack


def wrecked(folder: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(Path(__file__).with_name("wrecked.py"), "app.py")
        archive.write(PROJECT / "functions" / folder / "app.py", "real.py")
    return buffer.getvalue()
