"""Images and job definitions: who they run as, what is told of them, and their options to an engine."""

import re
import struct
import sys
import tomllib
from pathlib import Path

import pytest

from batch_jobs.images.layer import is_loadable
from embedded_aws.containers.command import Wanted, run_command
from embedded_aws.containers.engine import Engine
from embedded_aws.containers.options import options
from embedded_aws.services.cloudformation.template import parse
from gristmill.enums import Image
from gristmill.pipeline.loading import read
from tests.project import PROJECT

IMAGES = PROJECT / "batch_jobs" / "images"
TEMPLATE = parse((PROJECT / "template.yaml").read_text())


def containers() -> dict[str, dict]:
    """Return the container of every job definition of the template."""
    found = {}
    for name, resource in TEMPLATE["Resources"].items():
        if resource["Type"] == "AWS::Batch::JobDefinition":
            shown = resource["Properties"]
            nodes = shown.get("NodeProperties", {}).get("NodeRangeProperties", [])
            found[name] = shown.get("ContainerProperties") or nodes[0]["Container"]
    return found


@pytest.mark.parametrize("name", containers())
def test_every_job_is_unprivileged_on_a_root_that_it_cannot_write_and_holds_no_secret(name: str):
    container = containers()[name]
    assert (container["User"], container["Privileged"], container["ReadonlyRootFilesystem"]) == (
        "65532:65532",
        False,
        True,
    )
    assert [entry["Name"] for entry in container["Environment"]] == ["BUCKET"]
    assert "Secrets" not in container
    if "Command" not in name:  # these log where the classic tools look
        assert container["LogConfiguration"]["LogDriver"] == "awslogs"


def test_every_image_that_the_template_expects_is_made():
    targets = set(re.findall(r"^FROM runtime-\w+ AS (\w+)$", (IMAGES / "Containerfile").read_text(), re.M))
    tags = set(re.findall(r"RepositoryUri}:\$\{ImageTag}-(\w+)$", (PROJECT / "template.yaml").read_text(), re.M))
    assert targets == tags == {*Image, "gpu"}
    built = re.search(r"set -- (.*)", (IMAGES / "build.sh").read_text())
    assert built is not None
    assert set(built[1].split()) == targets


def test_the_guide_tells_the_group_and_the_image_of_each_shipped_pipeline():
    groups = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    text = (PROJECT / "docs/pipelines.md").read_text().partition("| dependency group |")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ((?:`[\w-]+`(?:, )?)+) \| (?:`(\w+)`)?[^|]*\| `(\w+)`", text, re.M)
    collected = {name: (group, image) for names, group, image in rows for name in re.findall(r"`([\w-]+)`", names)}
    shipped = {file.parent.name: read(file).image for file in PROJECT.glob("batch_jobs/*/pipeline.yaml")}
    assert {name: image for name, (_, image) in collected.items()} == shipped
    assert {group for group, _ in collected.values() if group} <= set(groups)


def test_what_goes_into_an_image_is_named_and_everything_else_stays_out():
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    assert lines[0] == "**"
    assert [line for line in lines if line.startswith("!")] == [
        "!gristmill",
        "!process_tree",
        "!batch_jobs",
        "!requirements/mpi.lock",
        "!requirements/gpu.lock",
        "!requirements/science.lock",
    ]
    assert "**/.*" in lines  # .env, .git, .aws


def test_a_library_that_the_loader_would_refuse_is_not_taken():
    whole = Path(sys.executable).resolve().read_bytes()
    assert is_loadable(whole)
    (start,) = struct.unpack_from("<Q", whole, 32)
    broken = bytearray(whole)
    size, count = struct.unpack_from("<HH", whole, 54)
    for place in range(start, start + size * count, size):
        if struct.unpack_from("<I", broken, place) == (1,):
            (offset,) = struct.unpack_from("<Q", broken, place + 8)
            struct.pack_into("<Q", broken, place + 8, offset + 8)
    assert not is_loadable(bytes(broken))


def hard(name: str) -> int:
    return {"nofile": 20_000, "nproc": 1000, "memlock": 8192}.get(name, -1)


def test_a_definition_becomes_options_and_none_is_more_than_the_machine_may_give():
    members = {
        "user": "65532:65532",
        "readonlyRootFilesystem": True,
        "ulimits": [
            {"name": "memlock", "softLimit": -1, "hardLimit": -1},
            {"name": "nofile", "softLimit": 512, "hardLimit": 99_999},
            {"name": "core", "softLimit": 0, "hardLimit": -1},
        ],
        "linuxParameters": {
            "sharedMemorySize": 128,
            "tmpfs": [{"containerPath": "/fast", "size": 16, "mountOptions": ["noexec"]}],
        },
    }
    assert options(members, is_podman=False, hard=hard) == [
        *("--user", "65532:65532", "--security-opt", "no-new-privileges", "--cap-drop", "all", "--read-only"),
        *("--shm-size", "128m", "--tmpfs", "/fast:size=16m,noexec"),
        *("--ulimit", "nofile=512:20000", "--ulimit", "nproc=1000:1000"),
        *("--ulimit", "memlock=8192:8192", "--ulimit", "core=0:-1"),
    ]
    assert "--read-only-tmpfs=false" in options(members, is_podman=True, hard=hard)
    assert "--read-only" not in options({}, is_podman=True, hard=hard)


def test_values_of_variables_are_no_arguments_and_gpus_are_asked_for_in_the_engines_words():
    wanted = Wanted("gm-1", "job", "image", ["true"], "10.0.0.2", 0.5, 64, ["0", "2"], [])
    by_docker = run_command(Engine("docker", 1), wanted, {"AWS_SECRET_ACCESS_KEY": "hidden"}, {})
    assert "hidden" not in " ".join(by_docker)
    assert by_docker[by_docker.index("--gpus") + 1] == '"device=0,2"'
    by_podman = run_command(Engine("podman", 1, is_podman=True), wanted, {}, {})
    assert [word for word in by_podman if "nvidia" in word] == ["nvidia.com/gpu=0", "nvidia.com/gpu=2"]
    none = Wanted("gm-1", "job", "image", ["true"], "10.0.0.2", 1, 64, [], [])
    assert not {"--gpus", "--device"} & set(run_command(Engine("docker", 1), none, {}, {}))
