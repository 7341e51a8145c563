"""Nodes as network namespaces: each has an address of its own, and reaches only its neighbours and the store."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gristmill import keys
from gristmill.local import daemon
from tests.integration.conftest import deployed
from tests.integration.mill import Mill


def why_not() -> str:
    if sys.platform != "linux" or os.getuid() != 0:
        return "network namespaces need Linux and root"
    if shutil.which("ip") is None:
        return "network namespaces need the program ip (iproute2)"
    tried = subprocess.run(["ip", "netns", "add", "gm-probe"], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "delete", "gm-probe"], capture_output=True, check=False)
    return f"no network namespaces here: {tried.stderr.strip()}" if tried.returncode else ""


WHY_NOT = why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


@pytest.fixture(scope="module")
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    data = tmp_path_factory.mktemp("aws")
    os.environ["GRISTMILL_PIPELINES"] = str(Path(__file__).parent / "pipelines")
    state = daemon.up(data, ["--port", "0", "--vcpus", "8", "--isolate"])
    try:
        yield deployed(state.endpoint, data)
    finally:
        daemon.down(data)
    left = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    assert f"gm{state.port}" not in left


def test_each_node_has_its_own_address(isolated: Mill):
    run = isolated.drop("addresses", "x.txt", b"x", nodes="3")
    outcome = isolated.finish(run)
    assert outcome["status"] == "SUCCEEDED", outcome["reason"]
    found = isolated.read(keys.result("addresses", "x.txt", run, "seen.txt")).decode().split()
    assert len(set(found)) == 3
    assert all(one.startswith("10.143.") for one in found)
