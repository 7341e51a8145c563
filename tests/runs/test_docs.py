"""docs/pipelines.md: the job definition that it shows how to make is the one that a pipeline runs by."""

import re

import pytest

from tests.documents.course import COURSE, steps
from tests.integration.mill import Mill
from tests.project import PROJECT

GUIDE = (PROJECT / "docs" / "pipelines.md").read_text()
CODE = re.compile(r"^```python\n(import boto3.*?)^```", re.M | re.S)


def test_the_guides_job_definition_is_the_one_that_a_pipeline_runs_by(
    mill: Mill, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in mill.target.environment().items():
        monkeypatch.setenv(name, value)
    exec(CODE.search(GUIDE)[1], {})  # type: ignore[index] # noqa: S102 - the guide's own words
    first = {step.file: step.text for step in steps(COURSE / "01-first-pipeline.md") if step.file}
    own = mill.data / "pipelines" / "own"
    own.mkdir(parents=True)
    text = re.sub(r"^name: .*", "name: own\njob_definition: weather", first["shout/pipeline.yaml"], flags=re.M)
    (own / "pipeline.yaml").write_text(text)
    (own / "jobs.py").write_text(first["shout/jobs.py"])
    run = mill.drop("own", "words.txt", b"one\n")
    assert mill.finish(run)["status"] == "SUCCEEDED"
    (job,) = mill.client("batch").describe_jobs(jobs=[mill.jobs(run)[0]["jobId"]])["jobs"]
    assert job["jobDefinition"].rpartition("/")[2] == "weather:1"
    assert job["container"]["image"].endswith("/weather:1")
