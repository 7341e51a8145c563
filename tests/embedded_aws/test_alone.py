"""The embedded AWS by itself: without anything of the application that is developed on it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from embedded_aws import door

ROOT = Path(__file__).parents[2]
README = (ROOT / "embedded_aws" / "README.md").read_text(encoding="utf-8")
WORDS = (sys.executable, "-m", "embedded_aws")


def run(*words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_example_of_its_readme_works(tmp_path: Path):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = run(sys.executable, "-c", example, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "['grain']\n"), done.stderr


def test_it_serves_by_its_own_command_and_tells_clients_where(tmp_path: Path):
    server = subprocess.Popen(
        [*WORDS, "up", "--port", "0", "--vcpus", "1"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        assert any("serving at http://localhost:" in line for line in server.stderr)
        exported = dict(re.findall(r"^export (\w+)=(.*)$", run(*WORDS, "env", cwd=tmp_path).stdout, re.MULTILINE))
        sts = boto3.client(
            "sts",
            endpoint_url=exported["AWS_ENDPOINT_URL"],
            region_name=exported["AWS_REGION"],
            aws_access_key_id=exported["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=exported["AWS_SECRET_ACCESS_KEY"],
        )
        assert sts.get_caller_identity()["Account"] == "123456789012"
        assert "runs already" in run(*WORDS, "up", cwd=tmp_path).stdout
        assert run(*WORDS, "down", cwd=tmp_path).returncode == 0
        assert server.wait(15) == 0
    finally:
        server.kill()
        server.wait()


def test_what_is_wrong_is_one_line_with_its_mend(tmp_path: Path):
    for command in ("env", "down"):
        done = run(*WORDS, command, cwd=tmp_path)
        assert done.returncode != 0
        assert done.stderr.count("\n") == 1
        assert "Traceback" not in done.stderr


def test_it_knows_no_application(tmp_path: Path):
    code = "import sys, embedded_aws.server.server, embedded_aws.door; print(*sys.modules)"
    loaded = run(sys.executable, "-c", code, cwd=tmp_path).stdout.split()
    assert "embedded_aws.door" in loaded
    assert [name for name in loaded if name.partition(".")[0] in ("gristmill", "batch_jobs")] == []


def test_the_door_is_all_that_it_names():
    assert all(hasattr(door, name) for name in door.__all__)
    with pytest.raises(door.EmbeddedAWSError):
        door.down(Path("/nowhere/at/all"))
