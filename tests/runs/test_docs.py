"""docs/pipelines.md as a stranger follows it: its files are written, its commands typed, its results looked at."""

import csv
import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from gristmill import keys
from tests.integration.mill import Mill
from tests.project import PROJECT

GUIDE = (PROJECT / "docs" / "pipelines.md").read_text()
FILE = re.compile(r"^`pipelines/([\w./]+)`[^\n]*:\n\n```\w+\n(.*?)^```", re.M | re.S)
CODE = re.compile(r"^```python\n(import boto3.*?)^```", re.M | re.S)
READINGS = [
    ["station", "celsius"],
    ["a,\nb", "10"],
    ["south", "20.5"],
    ["east", "-40"],
    ["west", "0"],
    ["x", "30"],
]


@pytest.fixture(scope="module")
def guided(mill: Mill) -> Mill:
    """Write every file that the guide shows under its name."""
    for name, text in FILE.findall(GUIDE):
        file = mill.data / "pipelines" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return mill


def readings() -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(READINGS)
    return text.getvalue().encode()


def test_the_first_pipeline_of_the_guide(guided: Mill) -> None:
    run = guided.drop("shout", "words.txt", b"one\ntwo\n")
    assert guided.finish(run)["status"] == "SUCCEEDED"
    assert guided.read(keys.result("shout", "words.txt", run, "upper.txt")) == b"ONE\nTWO\n"


def test_the_guides_two_stages_with_a_command_and_a_plot(guided: Mill) -> None:
    run = guided.drop("weather", "readings.csv", readings(), rows_per_task="3")
    assert guided.finish(run)["status"] == "SUCCEEDED"

    def result(name: str) -> str:
        return guided.read(keys.result("weather", "readings.csv", run, name)).decode()

    rows = list(csv.reader(io.StringIO(result("fahrenheit.csv"), newline="")))
    assert rows[0] == ["station", "fahrenheit"]
    assert [(row[0], float(row[1])) for row in rows[1:]] == [
        (name, float(celsius) * 9 / 5 + 32) for name, celsius in READINGS[1:]
    ]
    assert result("hottest.csv") == "south 20.5\na,\nb 10\nx 30\nwest 0\n"
    report = guided.read_json(keys.report("weather", "readings.csv", run, "json"))
    tables = {table["key"].rpartition("/")[2]: table["rows"] for table in report["tables"]}
    assert tables == {
        "fahrenheit.csv": rows,
        "hottest.csv": [["south 20.5"], ["a", ""], ["b 10"], ["x 30"], ["west 0"]],
    }
    bars = ET.fromstring(result("picture.svg"))  # noqa: S314 - our own
    assert len(bars) == 5


def test_the_guides_pipelines_are_valid(guided: Mill) -> None:
    for name in ("shout", "weather"):
        program = Path(sys.executable).parent / "gristmill"
        words = [program, "pipelines", "validate", name]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_guides_job_definition_is_the_one_that_a_pipeline_runs_by(
    guided: Mill, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in guided.target.environment().items():
        monkeypatch.setenv(name, value)
    exec(CODE.search(GUIDE)[1], {})  # type: ignore[index] # noqa: S102 - the guide's own words
    source = guided.data / "pipelines" / "shout"
    own = guided.data / "pipelines" / "own"
    own.mkdir()
    text = (source / "pipeline.yaml").read_text().replace("name: shout", "name: own\njob_definition: weather")
    (own / "pipeline.yaml").write_text(text)
    (own / "jobs.py").write_text((source / "jobs.py").read_text())
    run = guided.drop("own", "words.txt", b"one\n")
    assert guided.finish(run)["status"] == "SUCCEEDED"
    (job,) = guided.client("batch").describe_jobs(jobs=[guided.jobs(run)[0]["jobId"]])["jobs"]
    assert job["jobDefinition"].rpartition("/")[2] == "weather:1"
    assert job["container"]["image"].endswith("/weather:1")
