"""The embedded AWS itself, started where everything around it is against it: its runs end as anywhere."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.surroundings import worst

GRISTMILL = str(Path(sys.executable).with_name("gristmill"))
STACK = "My-Mill-" + "X" * 120  # capitals, and as long as a name may be
PIPELINE = """\
version: 1
name: shown
description: Shows what a job sees.
accepts: {suffixes: [.txt]}
stages:
  - name: map
    split: {records: lines, records_per_task: 10}
    branches:
      - {name: seen, command: [sh, -c, 'env > "$0"', "{output}"], merge: concat, suffix: .txt, same_record_count: false}
"""
Call = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    folder = tmp_path_factory.mktemp("a folder of 'mühle' & more")
    environment = {
        **{"PATH": os.environ["PATH"], "HOME": "/nowhere", "GRISTMILL_HOME": "home", "GRISTMILL_STACK": STACK},
        **{"GRISTMILL_PIPELINES": "pipelines", "PYTHONPATH": "", "PYTHONOPTIMIZE": "1", **worst(folder)},
    }
    (folder / "pipelines" / "shown").mkdir(parents=True)
    (folder / "pipelines" / "shown" / "pipeline.yaml").write_text(PIPELINE)
    (folder / "grüße\n.txt").write_text("a\n")

    def run(*words: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run([GRISTMILL, *words], env=environment, cwd=folder, capture_output=True, check=False)

    up = run("local", "up", "--port", "0")
    assert up.returncode == 0, up.stderr.decode()
    try:
        yield run
    finally:
        assert run("local", "down").returncode == 0


def test_a_stack_is_deployed_a_run_ends_and_a_job_sees_nothing_of_it(call: Call):
    deployed = call("deploy", "--json")
    assert deployed.returncode == 0, deployed.stderr.decode()
    done = call("run", "shown", "grüße\n.txt", "--json")
    assert done.returncode == 0, done.stdout.decode()
    (result,) = [item for item in json.loads(done.stdout)["results"] if item["key"].endswith("/seen.txt")]
    seen = dict(line.split("=", 1) for line in Path(result["file"]).read_text().splitlines() if "=" in line)
    assert (seen["LANG"], seen["TZ"], seen["AWS_CONFIG_FILE"]) == ("C.UTF-8", "UTC", os.devnull)
    strange = {name for name in seen if name.lower().endswith("_proxy") and name.lower() != "no_proxy"}
    strange |= seen.keys() & {"AWS_PROFILE", "AWS_DATA_PATH", "AWS_ENDPOINT_URL_S3", "PYTHONWARNINGS", "LC_ALL"}
    assert strange == set()
    assert call("status", "--json").returncode == 0


def test_tools_of_a_shell_are_led_here(call: Call):
    shell = call("local", "env").stdout.decode()
    assert "unset AWS_PROFILE\n" in shell
    assert "unset AWS_ENDPOINT_URL_S3\n" in shell
    assert "export NO_PROXY=localhost,127.0.0.1,::1\n" in shell
