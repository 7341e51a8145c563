"""The published awsb commands, unchanged and in an environment of their own, on the deployed template."""

import os
import pty
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedded_aws.lifecycle import daemon
from gristmill.cli.main import call
from gristmill.client import embedded
from gristmill.client.target import at_server
from tests.integration.conftest import deployed
from tests.project import PROJECT

BIN = PROJECT / ".awsb" / "bin"
TOOLS = PROJECT / ".tools" / "bin"  # awsbsub's scripts fetch their files with the AWS command line
SUBMITTED = re.compile(r"Job (\S+) \((\S+)\) has been submitted\.")


@dataclass(frozen=True)
class Awsb:
    """The commands, with the configuration that `gristmill awsb-config` wrote."""

    environment: dict[str, str]
    folder: Path

    def __call__(self, command: str, *words: str, stdin: str | None = None) -> str:
        """Run a command; without `stdin` its standard input is a terminal, as for a person."""
        primary, secondary = pty.openpty()
        try:
            source = {"input": stdin} if stdin is not None else {"stdin": secondary}
            done = subprocess.run(
                [BIN / command, *words],
                cwd=self.folder,
                env=self.environment,
                text=True,
                capture_output=True,
                timeout=60,
                **source,
            )
        finally:
            os.close(primary)
            os.close(secondary)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def submit(self, *words: str, stdin: str | None = None) -> str:
        found = SUBMITTED.search(self("awsbsub", *words, stdin=stdin))
        assert found
        return found[1]

    def end(self, job: str) -> dict[str, str]:
        """Wait until awsbstat says that a job has ended; return what it tells."""
        end = time.monotonic() + 60
        while (shown := facts(self("awsbstat", "-d", job)))["status"] not in ("SUCCEEDED", "FAILED"):
            assert time.monotonic() < end, shown
        return shown


def facts(text: str) -> dict[str, str]:
    """Return the first block of `name : value` lines."""
    pairs = (line.split(":", 1) for line in text.split("-" * 25)[0].splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


@pytest.fixture(scope="module")
def awsb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Awsb]:
    data, home = tmp_path_factory.mktemp("aws"), tmp_path_factory.mktemp("home")
    before = dict(os.environ)
    os.environ.update(PATH=f"{TOOLS}:{os.environ['PATH']}", GRISTMILL_HOME=str(data))
    try:
        state = embedded.up(data, ["--port", "0"])
        deployed(state.endpoint, data)
        assert call(["awsb-config", "--output", str(home / ".parallelcluster" / "awsbatch-cli.cfg")]) == 0
        yield Awsb({**os.environ, **at_server(state).environment(), "HOME": str(home)}, home)
    finally:
        os.environ.clear()
        os.environ.update(before)
        daemon.down(data)


def test_a_plain_command_is_submitted_seen_and_read(awsb: Awsb):
    job = awsb.submit("-jn", "hello", "echo", "hello from", "the mill")
    shown = awsb.end(job)
    assert (shown["jobName"], shown["status"], shown["exitCode"]) == ("hello", "SUCCEEDED", "0")
    assert shown["command"] == "echo 'hello from' 'the mill'"
    assert awsb("awsbout", job).rstrip().endswith(": hello from the mill")
    assert job in awsb("awsbstat", "-s", "SUCCEEDED")


def test_a_script_on_stdin_finds_its_input_file(awsb: Awsb):
    (awsb.folder / "lines.txt").write_text("a\nb\nc\n")
    script = "#!/bin/bash\nwc -l < lines.txt\nexit 3\n"
    job = awsb.submit("-if", "lines.txt", "-jn", "count", stdin=script)
    shown = awsb.end(job)
    assert (shown["status"], shown["exitCode"]) == ("FAILED", "3"), awsb("awsbout", job)
    assert awsb("awsbout", job).split()[-1] == "3"


def test_a_command_file_gets_its_arguments_and_the_environment_asked_for(awsb: Awsb):
    (awsb.folder / "say.sh").write_text('#!/bin/bash\necho "$1 $WHO"\n')
    awsb.environment["WHO"] = "you & me"
    job = awsb.submit("-e", "WHO", "-jn", "say", "-cf", "say.sh", "to")
    assert awsb.end(job)["status"] == "SUCCEEDED", awsb("awsbout", job)
    assert awsb("awsbout", job).rstrip().endswith(": to you & me")


def test_an_array_shows_its_children(awsb: Awsb):
    job = awsb.submit("-a", "3", "-jn", "many", "--", "sh", "-c", "echo child $AWS_BATCH_JOB_ARRAY_INDEX")
    end = time.monotonic() + 60
    while "many" not in (table := awsb("awsbstat", "-s", "SUCCEEDED", "-e")) or table.count(f"{job}:") < 3:
        assert time.monotonic() < end, table
    assert awsb("awsbout", f"{job}:2").rstrip().endswith(": child 2")
    assert f"{job} [3]" in awsb("awsbstat", job)


def test_a_running_job_is_killed(awsb: Awsb):
    job = awsb.submit("-jn", "long", "sleep", "100")
    end = time.monotonic() + 30
    while "RUNNING" not in awsb("awsbstat", job):
        assert time.monotonic() < end
    assert "termination request" in awsb("awsbkill", "-r", "not needed", job)
    assert awsb.end(job)["statusReason"] == "not needed"


def test_a_job_waits_for_another_one(awsb: Awsb):
    first = awsb.submit("-jn", "first", "false")
    second = awsb.submit("-jn", "second", "-d", f"jobId={first}", "true")
    assert awsb.end(second)["statusReason"] == "Dependent Job failed"


def test_the_queue_is_shown(awsb: Awsb):
    assert re.search(r"CpuQueue\S*\s+VALID", awsb("awsbqueues"))
