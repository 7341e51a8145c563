"""Jobs in real containers: another file system, an unprivileged user, the store across a bridge network."""

import os
import time
from pathlib import Path

import pytest

from embedded_aws.containers.engine import Engine
from embedded_aws.lifecycle import daemon
from gristmill import keys
from gristmill.client import embedded
from tests.containers import engines
from tests.containers.conftest import WAYS, left
from tests.containers.jobs import Contained
from tests.integration.conftest import deployed


def test_an_array_job_runs_in_the_image_and_leaves_no_container(mill: Contained):
    run = mill.drop("strings", "contained.txt", b"one\ntwo\nthree\nfour\n", lines_per_task="1")
    assert mill.finish(run, 180)["status"] == "SUCCEEDED"
    results = keys.results_prefix("strings", "contained.txt", run)
    assert mill.read(results + "reverse.txt") == b"eno\nowt\neerht\nruof\n"
    assert mill.containers() == []


def test_a_job_is_an_unprivileged_user_with_no_capabilities_and_no_secret_in_its_arguments(mill: Contained):
    job = mill.done("sh", "-c", "id -u; grep CapEff /proc/self/status; cat /proc/1/cmdline | tr '\\0' ' '")
    assert job["status"] == "SUCCEEDED"
    user, capabilities, command = mill.log_of(job).splitlines()[-3:]
    assert (user, capabilities) == ("65532", "CapEff:\t0000000000000000")
    assert "SECRET" not in command


def test_only_the_temporary_folder_can_be_written_to(mill: Contained):
    tries = "for one in / /opt/app /opt/gristmill /usr/lib /etc /home; do touch $one/x && echo wrote $one; done"
    job = mill.done("sh", "-c", f"{tries}; touch /tmp/x && echo fine")
    assert [line for line in mill.log_of(job).splitlines() if "touch" not in line] == ["fine"]


def test_limits_and_shared_memory_are_the_definitions(mill: Contained):
    limits = [{"name": "nofile", "softLimit": 512, "hardLimit": 1024}, {"name": "core", "softLimit": 0, "hardLimit": 0}]
    linux = {"sharedMemorySize": 128, "tmpfs": [{"containerPath": "/fast", "size": 16}]}
    definition = mill.define("limited", ulimits=limits, linuxParameters=linux)
    text = "ulimit -Sn; ulimit -Hn; ulimit -c; df -m /dev/shm /fast | awk 'NR>1{print $2}'"
    job = mill.done("sh", "-c", text, definition=definition)
    assert mill.log_of(job).splitlines()[-5:] == ["512", "1024", "0", "128", "16"]


def test_a_user_of_the_definition_comes_before_that_of_the_image(mill: Contained):
    job = mill.done("sh", "-c", "id -u; id -g", definition=mill.define("somebody", user="1234:99"))
    assert mill.log_of(job).splitlines()[-2:] == ["1234", "99"]


@pytest.mark.parametrize("code", [7, 125, 137])
def test_an_exit_code_comes_out_of_the_container_as_it_is(mill: Contained, code: int):
    job = mill.done("sh", "-c", f"exit {code}")
    assert (job["status"], job["container"]["exitCode"], job["container"].get("reason")) == ("FAILED", code, None)


def test_a_job_that_takes_too_much_memory_is_told_so_as_on_aws(mill: Contained):
    greedy = "hoard = []\nwhile True: hoard.append(bytearray(10_000_000))"
    job = mill.done("python", "-c", greedy, resourceRequirements=[{"type": "MEMORY", "value": "64"}])
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 137)
    assert job["container"]["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert mill.containers() == []


def test_a_run_whose_task_takes_too_much_memory_says_why(mill: Contained):
    pipeline = mill.data / "pipelines" / "greedy"
    pipeline.mkdir()
    (pipeline / "jobs.py").write_text(
        "def hoard(source, sink, parameters):\n    kept = []\n    while True: kept.append(bytearray(10_000_000))\n"
    )
    (pipeline / "pipeline.yaml").write_text(
        "version: 1\nname: greedy\ndescription: Takes all.\nstages:\n  - name: take\n    split: {records: whole}\n"
        "    branches:\n      - {name: all, run: 'jobs:hoard', memory: 192, attempts: 1}\n"
    )
    outcome = mill.finish(mill.drop("greedy", "x.txt", b"x"), 120)
    assert outcome["status"] == "FAILED"
    assert "OutOfMemoryError" in outcome["reason"]


def test_an_image_that_is_not_to_be_had_is_tried_three_times_and_told(mill: Contained):
    job = mill.done("true", definition=mill.define("nowhere", image="localhost:1/no/such:image"))
    assert job["status"] == "FAILED"
    reasons = [attempt["container"]["reason"] for attempt in job["attempts"]]
    assert len(reasons) == 3
    assert all(reason.startswith("CannotPullContainerError: ") for reason in reasons), reasons
    assert mill.containers() == []


def test_a_program_that_an_image_lacks_never_starts(mill: Contained):
    image = mill.build("bare", "FROM gristmill-jobs:cpu\nENTRYPOINT []\n")
    job = mill.done("no-such-program", definition=mill.define("bare", image=image))
    assert job["status"] == "FAILED"
    assert job["container"]["reason"].startswith("CannotStartContainerError: ")
    assert "exitCode" not in job["container"]
    shown = mill.log_of(job) + job["container"]["reason"]
    assert "no-such-program" in shown or "received 409" in shown  # podman's service tells docker's client no more
    assert mill.containers() == []


def test_lines_are_seen_while_the_job_runs_and_stop_is_a_sigterm(mill: Contained):
    script = "trap 'echo asked to end; exit 9' TERM; echo begun; while :; do sleep 0.1; done"
    job = mill.submit("bash", "-c", script)
    mill._until(lambda: mill.described(job)["status"] == "RUNNING", 60, "it does not run")
    mill._until(lambda: "begun" in mill.log_of(mill.described(job)), 30, "no line is seen")
    assert mill.described(job)["status"] == "RUNNING"
    mill.client("batch").terminate_job(jobId=job, reason="enough")
    shown = mill.ended(job)
    assert "asked to end" in mill.log_of(shown)
    assert (shown["statusReason"], shown["container"]["exitCode"]) == ("enough", 9)


def test_a_job_that_does_not_heed_sigterm_is_killed_after_30_seconds(mill: Contained):
    job = mill.submit("bash", "-c", "trap '' TERM; echo begun; while :; do sleep 0.1; done")
    mill._until(lambda: mill.described(job)["status"] == "RUNNING", 60, "it does not run")
    mill._until(lambda: "begun" in mill.log_of(mill.described(job)), 30, "no line is seen")
    mill.client("batch").terminate_job(jobId=job, reason="enough")
    asked = time.monotonic()
    shown = mill.ended(job)
    assert 29 < time.monotonic() - asked < 50
    assert shown["container"]["exitCode"] == 137
    assert mill.containers() == []


@pytest.mark.parametrize("engine", WAYS[:1], indirect=True)
def test_an_engine_that_dies_fails_its_jobs_with_a_reason_and_the_next_ones_run(
    engine: Engine, images: None, folder: Path
):
    if engines.ON_PODMAN not in WAYS:
        pytest.skip("needs docker's client and podman, whose service can be killed")
    (folder / "aws").mkdir()
    with engines.chosen(engines.ON_PODMAN, folder) as service:
        assert service
        state = embedded.up(folder / "aws", ["--port", "0", "--containers", "--container-subnet", "10.152.0.0/16"])
        dying = Engine("docker", state.port)
        try:
            made = deployed(state.endpoint, folder / "aws", JobImage="gristmill-jobs:cpu")
            mill = Contained(made.endpoint, made.data, made.outputs, engine=dying)
            job = mill.submit("sleep", "600")
            mill._until(lambda: mill.described(job)["status"] == "RUNNING", 60, "it does not run")
            mill._until(lambda: len(mill.containers()) == 1, 30, "there is no container")
            service.kill()
            shown = mill.ended(job)
            assert shown["status"] == "FAILED"
            assert shown["container"]["reason"].startswith("CannotInspectContainerError: ")
            lost = mill.done("true")
            assert lost["container"]["reason"].startswith(("CannotPullContainerError: ", "CannotStartContainerError: "))
            service.start()
            assert mill.done("true")["status"] == "SUCCEEDED"
        finally:
            daemon.down(folder / "aws")
        assert left(dying, state.port) == ""


def test_no_engine_is_told_before_anything_starts(tmp_path: Path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENGINE", "no-such-engine")
        with pytest.raises(daemon.NotReady, match="no-such-engine is not installed"):
            embedded.up(tmp_path, ["--port", "0", "--containers", "--container-subnet", "10.153.0.0/16"])


def test_what_a_killed_server_leaves_is_removed(engine: Engine, images: None, tmp_path: Path):
    state = embedded.up(tmp_path, ["--port", "0", "--containers", "--container-subnet", "10.154.0.0/16"])
    made = deployed(state.endpoint, tmp_path, JobImage="gristmill-jobs:cpu")
    mill = Contained(made.endpoint, made.data, made.outputs, engine=engine)
    job = mill.submit("sleep", "600")
    mill._until(lambda: len(mill.containers()) == 1, 60, f"{job} has no container")
    volumes = engine.ask("inspect", "--format", "{{range .Mounts}}{{.Name}} {{end}}", *mill.containers()).stdout.split()
    assert [engine.ask("volume", "inspect", volume).returncode for volume in volumes] == [0] * len(volumes)
    os.kill(state.pid, 9)
    mill._until(lambda: left(engine, state.port) == "", 30, "something is left")
    daemon.reset(tmp_path)
    assert [volume for volume in volumes if engine.ask("volume", "inspect", volume).returncode == 0] == []
