"""The cache between runs, through the deployed template."""

from pathlib import Path
from typing import Any

import pytest

from gristmill import keys
from tests.integration.mill import Mill

PIPELINE = """
version: 1
name: {name}
description: Lines that are turned, and counted.
cache: true
parameters:
  mark: {{type: string, description: What each line begins with., default: ""}}
stages:
  - name: first
    split: {{records: lines, records_per_task: 2}}
    branches:
      - {{name: turn, script: 'sed "s/^/$PARAM_MARK/" "$INPUT" | rev > "$OUTPUT"'}}
  - name: second
    input: turn
    split: {{records: lines, records_per_task: 4}}
    branches:
      - {{name: count, script: 'wc -l < "$INPUT" | tr -d " " > "$OUTPUT"', same_record_count: false}}
"""
LINES = b"abc\ndef\nghi\njkl\nmno\n"


@pytest.fixture
def pipeline(mill: Mill, request: pytest.FixtureRequest) -> str:
    """Make a pipeline of its own for a test, so that its cache is empty."""
    name = f"cache-{abs(hash(request.node.name)) % 10**8}"
    file = mill.data / "pipelines" / name / "pipeline.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(PIPELINE.format(name=name))
    return name


def finish(mill: Mill, pipeline: str, name: str = "x.txt", **parameters: str) -> str:
    body = mill.client("s3").put_object(
        Bucket=mill.bucket,
        Key=keys.input_key(pipeline, name),
        Body=LINES,
        ChecksumAlgorithm="SHA256",
        Metadata={"owner": "m", **parameters},
    )
    run = mill.run_of(keys.input_key(pipeline, name), body)
    assert mill.finish(run)["status"] == "SUCCEEDED"
    return run


def results(mill: Mill, pipeline: str, run: str, name: str = "x.txt") -> dict[str, bytes]:
    prefix = keys.results_prefix(pipeline, name, run)
    return {file: mill.read(prefix + file) for file in mill.results(pipeline, name, run)}


def reused(mill: Mill, run: str) -> dict[str, str]:
    found: dict[str, Any] = {}
    for stage in ("first", "second"):
        (finding,) = [mill.read_json(key) for key in mill.keys(keys.checks(run, stage, 0))]
        found |= {branch["branch"]: branch["reused"] for branch in finding["branches"]}
    return found


def test_a_second_run_of_the_same_bytes_runs_no_job(mill: Mill, pipeline: str):
    first = finish(mill, pipeline)
    wanted = results(mill, pipeline, first)
    assert len(mill.keys(keys.cached_prefix(pipeline))) == 2
    second = finish(mill, pipeline, "again.txt")
    assert results(mill, pipeline, second, "again.txt") == wanted
    assert mill.jobs(second) == []
    assert reused(mill, second) == {"turn": first, "count": first}
