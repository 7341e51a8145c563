"""Each shipped pipeline in the image that it takes, and one in an image of its own."""

import hashlib
import io
import json
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from batch_jobs.proteins.sample import write as write_proteins
from batch_jobs.tomography.sample import main as write_phantom
from batch_jobs.variants.sample import write as write_library
from embedded_aws.containers.engine import Engine
from gristmill import keys
from gristmill.client.push.versions import push_folder
from gristmill.client.stack import open_stack
from tests.containers.conftest import WAYS
from tests.containers.jobs import Contained
from tests.mpi.test_heat import PLATE, expected

on_the_first_engine = pytest.mark.parametrize("engine", WAYS[:1], indirect=True)
PNG = b"\x89PNG"


def succeeded(mill: Contained, run: str, seconds: float = 300) -> None:
    outcome = mill.finish(run, seconds)
    assert outcome["status"] == "SUCCEEDED", outcome["reason"]
    assert mill.containers() == []


def result(mill: Contained, pipeline: str, file: str, run: str, name: str) -> bytes:
    return mill.read(keys.result(pipeline, file, run, name))


def images_of(mill: Contained, run: str) -> set[str]:
    """Return the images that the jobs of a run had."""
    jobs = mill.client("batch").describe_jobs(jobs=[job["jobId"] for job in mill.jobs(run)])["jobs"]
    ranges = [item for job in jobs for item in job.get("nodeProperties", {}).get("nodeRangeProperties", [])]
    containers = [job["container"] for job in jobs if "nodeProperties" not in job]
    return {item["image"] for item in [*containers, *(part["container"] for part in ranges)]}


def test_heat_on_three_hosts_survives_the_death_of_one(mill: Contained, engine: Engine):
    plate = {**PLATE, "size": [64, 64], "steps": 30_000}
    body = yaml.safe_dump(plate).encode()
    run = mill.drop("heat", "contained.yaml", body, nodes="3", checkpoint_steps="1000")
    checkpoints = f"{keys.own(run)}solve/field/"
    mill._until(lambda: mill.keys(checkpoints), 180, "no checkpoint")
    _, job = mill.jobs(run)  # the check, and the nodes
    (victim,) = engine.ask("ps", "--quiet", "--filter", f"label=gristmill-job={job['jobId']}#1").stdout.split()
    engine.ask("kill", victim)
    succeeded(mill, run)
    (described,) = mill.client("batch").describe_jobs(jobs=[job["jobId"]])["jobs"]
    assert [attempt["container"]["exitCode"] for attempt in described["attempts"]] == [78, 0]
    assert "going on from step " in mill.log_of(described)
    field = np.load(io.BytesIO(result(mill, "heat", "contained.yaml", run, "field.npz")))["field"]
    np.testing.assert_allclose(field, expected(plate), rtol=1e-10, atol=1e-10)
    assert result(mill, "heat", "contained.yaml", run, "picture.png").startswith(PNG)
    assert images_of(mill, run) == {"gristmill-jobs:cpu"}


def test_mpi_hello_on_three_hosts(mill: Contained):
    run = mill.drop("mpi-hello", "who.txt", b"who is there?\n", nodes="3")
    succeeded(mill, run)
    lines = result(mill, "mpi-hello", "who.txt", run, "ranks.txt").decode().splitlines()
    assert [line.rpartition(",")[0] for line in lines] == [f"rank {i} of 3 on node {i}" for i in range(3)]
    assert len({line.rpartition(" ")[2] for line in lines}) == 3


@on_the_first_engine
def test_mpi_ring_on_two_hosts(mill: Contained):
    run = mill.drop("mpi-ring", "start.txt", b"40\n")
    succeeded(mill, run)
    loaded = json.loads(result(mill, "mpi-ring", "start.txt", run, "sums.json"))
    assert loaded == {"ranks": 2, "start": 40, "ring": 41, "reduced": 41}


@on_the_first_engine
def test_proteins(mill: Contained, tmp_path: Path):
    write_proteins(tmp_path / "p.faa", 60, seed=3)
    run = mill.drop("proteins", "p.faa", (tmp_path / "p.faa").read_bytes() + b">last\nG\n", sequences_per_task="20")
    succeeded(mill, run)
    head, *rows = result(mill, "proteins", "p.faa", run, "properties.tsv").decode().splitlines()
    last = dict(zip(head.split("\t"), rows[-1].split("\t"), strict=True))
    assert (len(rows), last["id"], last["length"]) == (61, "last", "1")
    assert float(last["molecular_weight"]) == pytest.approx(75.07, abs=0.01)  # glycine
    assert result(mill, "proteins", "p.faa", run, "table.parquet").startswith(b"PAR1")
    assert result(mill, "proteins", "p.faa", run, "distributions.png").startswith(PNG)
    assert b"61 sequences" in result(mill, "proteins", "p.faa", run, "summary.html")
    assert images_of(mill, run) == {"gristmill-jobs:science"}


@on_the_first_engine
def test_tomography(mill: Contained, tmp_path: Path):
    write_phantom([str(tmp_path / "p.h5"), "--columns", "64", "--angles", "90", "--rows", "16", "--shift", "2.3"])
    run = mill.drop("tomography", "p.h5", (tmp_path / "p.h5").read_bytes(), row_block="8", frame_block="45")
    succeeded(mill, run, 400)
    quality = json.loads(result(mill, "tomography", "p.h5", run, "quality.json"))
    assert abs(quality["phantom"]["centre_error"]) <= 0.1001
    assert quality["phantom"]["psnr_db"] > 20
    assert result(mill, "tomography", "p.h5", run, "volume.ome.zarr.zip").startswith(b"PK")
    assert images_of(mill, run) == {"gristmill-jobs:science"}


@on_the_first_engine
def test_sirt_on_three_hosts(mill: Contained, tmp_path: Path):
    path = tmp_path / "p.h5"
    write_phantom([str(path), "--columns", "64", "--angles", "30", "--rows", "3"])
    run = mill.drop("sirt", "p.h5", path.read_bytes(), nodes="3", rows="3", centre="31.5", iterations="40")
    succeeded(mill, run)
    with h5py.File(path) as file:
        assert file["exchange/data"].shape == (30, 3, 64)
    slices = np.load(io.BytesIO(result(mill, "sirt", "p.h5", run, "slices.npz")))["slices"]
    figures = result(mill, "sirt", "p.h5", run, "residuals.csv").decode().splitlines()
    fall = [float(line.split(",")[1]) for line in figures[1:]]
    assert (slices.shape, len(fall), fall == sorted(fall, reverse=True)) == ((3, 64, 64), 40, True)
    assert images_of(mill, run) == {"gristmill-jobs:science"}


@on_the_first_engine
def test_variants(mill: Contained, tmp_path: Path):
    planted = write_library(tmp_path, 20_000, 25, seed=3)
    keys_of = {name: f"uploads/variants/{name}" for name in ("reads_1.fastq", "reads_2.fastq", "genome.fa")}
    for name, key in keys_of.items():
        mill.put(key, (tmp_path / name).read_bytes(), {})
    note = {
        "contract": 1,
        "input": keys_of["reads_1.fastq"],
        "inputs": {"mates": keys_of["reads_2.fastq"], "genome": keys_of["genome.fa"]},
        "params": {"pairs_per_task": "600", "window": "8000"},
    }
    run = mill.drop("variants", "library.drop.json", json.dumps(note).encode())
    succeeded(mill, run)
    _, *rows = result(mill, "variants", "library", run, "table.tsv").decode().splitlines()
    called = {tuple(row.split("\t")[:4]) for row in rows}
    wanted = {(variant.contig, str(variant.place + 1), variant.ref, variant.alt) for variant in planted}
    assert len(called & wanted) >= 0.95 * len(wanted)
    assert images_of(mill, run) == {"gristmill-jobs:genomics"}


def test_a_command_that_only_an_image_of_its_own_has(mill: Contained):
    program = (
        "#!/usr/bin/env python3\nimport sys\n"
        "with open(sys.argv[1]) as given, open(sys.argv[2], 'w') as made:\n"
        "    made.writelines(line.rstrip()[::-1] + chr(10) for line in given)\n"
    )
    image = mill.build("own", "FROM gristmill-jobs:cpu\nCOPY turned /usr/local/bin/turned\n", turned=program)
    mill.define("own-image", image=image)
    pipeline = mill.data / "pipelines" / "turned"
    pipeline.mkdir()
    (pipeline / "pipeline.yaml").write_text(
        "version: 1\nname: turned\ndescription: Turns lines.\njob_definition: own-image\nstages:\n  - name: turn\n"
        "    split: {records: lines, records_per_task: 2}\n"
        '    branches:\n      - {name: lines, command: [turned, "{input}", "{output}"]}\n'
    )
    run = mill.drop("turned", "x.txt", b"abc\ndef\nghi\n")
    succeeded(mill, run)
    assert result(mill, "turned", "x.txt", run, "lines.txt") == b"cba\nfed\nihg\n"
    assert images_of(mill, run) == {image}


@on_the_first_engine
def test_the_image_for_gpus_has_what_a_reconstruction_needs_and_no_opencl_of_its_own(mill: Contained):
    program = (
        "from batch_jobs.tomography import jobs, arrays, picture, ome, backprojection as b\n"
        "import mpi4py.MPI\n"
        "try: print(b.device(True))\nexcept b.NoDevice as error: print(error)"
    )
    job = mill.done("python", "-c", program, definition=mill.define("gpu-image", image="gristmill-jobs:gpu"))
    assert job["status"] == "SUCCEEDED", mill.log_of(job)
    assert "no OpenCL GPU is here (devices: none)" in mill.log_of(job)


@on_the_first_engine
def test_each_image_holds_the_one_before_and_no_leftovers(images: None, engine: Engine):
    def layers(image: str) -> list[str]:
        done = engine.ask("image", "inspect", "--format", "{{json .RootFS.Layers}}", f"gristmill-jobs:{image}")
        found: list[str] = json.loads(done.stdout)
        return found[:-1]  # the last one is the project itself

    cpu, gpu, science = layers("cpu"), layers("gpu"), layers("science")
    assert (gpu[: len(cpu)], science[: len(gpu)]) == (cpu, gpu)
    assert layers("genomics")[: len(cpu)] == cpu
    wrong = "find /var/cache/apt /var/lib/apt/lists -type f; find /opt -perm -o+w ! -type l -o ! -user root"
    left = (
        "find / -xdev -path /opt/gristmill -prune -o \\( -name trusted.crt -o -name pip.conf -o -name .env \\) -print"
    )
    words = [engine.program, "run", "--rm", "--user", "0", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=512:512"]
    words += ["--network", "none", "gristmill-jobs:science", "sh", "-f", "-c", f"{wrong}; {left}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done
    for image in ("cpu", "gpu", "science", "genomics"):
        history = engine.ask("history", "--no-trunc", f"gristmill-jobs:{image}").stdout
        shown = engine.ask("image", "inspect", "--format", "{{json .Config}}", f"gristmill-jobs:{image}").stdout
        assert json.loads(shown)["User"] == "65532:65532"
        for word in ("AWS_", "SECRET", "TOKEN", "PASSWORD", "PIP_"):
            assert word not in history + shown


MARKED = """FROM localhost/gristmill-jobs:cpu
USER 0
RUN echo own > /opt/mark
USER 65532:65532
"""
CALLS = """version: 1
name: calls
description: Shows what its container has, and a secret's hash.
stages:
  - name: map
    split: {{records: lines, records_per_task: 1}}
    branches:
      - name: called
        container: {image}
        secrets: {{KEY: "ssm:/gristmill/gristmill/contained"}}
        script: echo "$(cat /opt/mark) $(printf %s "$KEY" | sha256sum)" > "$OUTPUT"
"""


@on_the_first_engine
def test_branch_runs_in_a_container_of_its_own_with_its_secret(mill: Contained, engine: Engine, tmp_path: Path):
    (tmp_path / "Containerfile").write_text(MARKED)
    tag = "localhost/gristmill-test:marked"
    assert engine.ask("build", "--tag", tag, "--file", f"{tmp_path}/Containerfile", str(tmp_path)).returncode == 0
    digest = engine.ask("image", "inspect", "--format", "{{.Digest}}", tag).stdout.strip()
    image = f"localhost/gristmill-test@{digest}"
    mill.client("ssm").put_parameter(Name="/gristmill/gristmill/contained", Value="hidden", Type="SecureString")
    folder = tmp_path / "calls"
    folder.mkdir()
    (folder / "pipeline.yaml").write_text(CALLS.format(image=image))
    push_folder(open_stack(mill.target, "gristmill"), folder, "", print, replace_built_in=False)
    run = mill.drop("calls", "lines.txt", b"a\n")
    succeeded(mill, run)
    words = result(mill, "calls", "lines.txt", run, "called.txt").decode().split()
    assert words[:2] == ["own", hashlib.sha256(b"hidden").hexdigest()]
    assert mill.read_json(keys.run_record(run))["images"] == {"called": image}
