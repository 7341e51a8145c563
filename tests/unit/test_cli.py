"""What the command line prints, from faked answers; and that asking for help loads nothing heavy."""

import importlib.metadata
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

import gristmill
from gristmill.catalogue.entry import Entry, begun
from gristmill.cli import main
from gristmill.cli.terminal.options import pairs
from gristmill.cli.terminal.session import Session
from gristmill.client.runs import causes, costs, find, listing, progress, reports, times
from gristmill.client.runs.executions import Execution
from gristmill.client.runs.find import Run
from gristmill.client.runs.listing import Listed, Listing
from gristmill.client.runs.snapshot import BranchLook, Children, Look, StageLook
from gristmill.cost.bill import Usage, bill
from gristmill.enums import RunStatus
from gristmill.errors import ExitCode
from gristmill.pipeline.loading import load
from gristmill.runs.evidence import Failure
from gristmill.runs.records import InputObject, RunRecord
from tests.unit.conftest import ROOTS

OURS = {code for code in ExitCode if code < 75 or code == ExitCode.INTERRUPTED}  # the others are of MPI nodes
STARTED, ENDED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 6, 9, tzinfo=UTC)


def a_run(number: int, status: RunStatus, name: str, faults: list[str] | None = None) -> Run:
    run = f"{number:016x}"
    key = f"inputs/strings/{name}"
    record = RunRecord(
        run=run,
        execution="arn:one",
        claimed_at=STARTED,
        owner="miller",
        input=InputObject(bucket="mill", key=key, version="v", etag="e", size=6_400_000, sequencer="0"),
        pipeline=load("strings", ROOTS),
        parameters={"lines_per_task": 500},
        faults=faults or [],
    )
    ended = None if status is RunStatus.RUNNING else ENDED
    return Run(run, Execution("arn:one", status, STARTED, ended, None, ""), record)


def entry_of(run: Run) -> Entry:
    assert run.record is not None
    return begun(run.record, STARTED).model_copy(update={"status": run.status, "ended_at": run.execution.ended})


def test_runs_show_tags_batch_and_what_the_catalogue_does_not_know(monkeypatch, capsys):
    labelled = entry_of(a_run(1, RunStatus.SUCCEEDED, "a.txt")).model_copy(
        update={"tags": {"sample": "s1", "site": "north"}, "batch": "sweep"}
    )
    behind = entry_of(a_run(2, RunStatus.RUNNING, "b.txt")).model_copy(update={"ended_at": ENDED})
    page = Listing([Listed(labelled), Listed(behind, is_behind=True)], "xyz", ["The catalogue is behind."])
    monkeypatch.setattr(listing, "list_page", lambda *_asked: page)
    assert main.call(["runs"]) == 0
    shown = capsys.readouterr()
    assert "miller  sweep sample=s1 site=north\n" in shown.out
    assert "RUNNING?" in shown.out
    assert shown.err == "The catalogue is behind.\nThere may be more. Go on with the same filters and: --after xyz\n"


@pytest.mark.parametrize("text", ["yesterday", "7w", "999999999d", "2026-13-01"])
def test_a_time_that_is_none_is_wrong_usage(text: str):
    assert main.call(["runs", "--since", text]) == ExitCode.USAGE


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "stack", None)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def test_runs_are_a_table_with_names_as_they_are(monkeypatch, capsys):
    found = [a_run(1, RunStatus.SUCCEEDED, "a.txt"), a_run(2, RunStatus.ABORTED, "[bold] 挽き臼.txt")]
    listed = [Listed(entry_of(run)) for run in found]
    monkeypatch.setattr(listing, "list_page", lambda *_asked: Listing(listed))
    assert main.call(["runs"]) == 0
    assert capsys.readouterr().out == (
        "RUN               STATUS     FILE                       STARTED                   TOOK  OWNER\n"
        "0000000000000001  SUCCEEDED  strings/a.txt              2026-01-02 03:04:05  2 min 4 s  miller\n"
        "0000000000000002  ABORTED    strings/[bold] 挽き臼.txt  2026-01-02 03:04:05  2 min 4 s  miller\n"
    )


def test_no_runs_are_no_table(monkeypatch, capsys):
    monkeypatch.setattr(listing, "list_page", lambda *_asked: Listing([]))
    assert main.call(["runs"]) == 0
    assert capsys.readouterr() == ("", "There are no runs yet.\n")


def test_status_tells_stage_branch_task_attempt_code_reason_log_and_the_next_command(monkeypatch, capsys):
    run = a_run(1, RunStatus.FAILED, "a.txt")
    repeat = BranchLook("repeat", 13_000, 12_999, 1, Children(0, 0, 63, 1))
    reverse = BranchLook("reverse", 13_000, 7, 0, Children(waiting=64), ("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",))
    stages = (StageLook("map", 3, None, (repeat, reverse)), StageLook("later", None, None, (BranchLook("last"),)))
    failure = Failure(
        stage="map", branch="repeat", task=4711, attempt=12, reason="killed by SIGKILL (exit code 137)",
        detail="one\ntwo\n", exit_code=137, job_id="j", log_stream="l", at=ENDED,
    )  # fmt: skip
    monkeypatch.setattr(find, "find_run", lambda mill, text, thorough: run)
    monkeypatch.setattr(progress, "look", lambda mill, item: Look(item, stages))
    monkeypatch.setattr(times, "outcomes", lambda mill, item: [])
    monkeypatch.setattr(causes, "causes", lambda mill, item: causes.Cause("1 task has no output", [failure], {}))
    spent = costs.Cost(bill(Usage(s3_gb_month=200)), 1.5, local=True)
    monkeypatch.setattr(costs, "cost_of", lambda mill, run: spent)
    monkeypatch.setattr(reports, "find", lambda mill, run: "s3://mill/results/report.html")
    assert main.call(["status", "0"]) == 0
    assert capsys.readouterr().out == (
        "FAILED strings/a.txt\n"
        "  Run         0000000000000001\n"
        "  Owner       miller\n"
        "  Input       6.4 MB\n"
        "  Parameters  lines_per_task=500\n"
        "  Started     2026-01-02 03:04:05\n"
        "  Ended       2026-01-02 03:06:09\n"
        "  Took        2 min 4 s\n"
        "  Cost        about $4.60 (estimated $1.50) on AWS; free here\n"
        "  Report      s3://mill/results/report.html\n"
        "\n"
        "STAGE  BRANCH    TASKS    DONE  FAILED  ATTEMPT  CHILDREN\n"
        "map    repeat   13,000  12,999       1        3  1 failed\n"
        "map    reverse  13,000       7       0        3  64 waiting (MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT)\n"
        "later  last          ?       0       0           not begun\n"
        "\n"
        "Why: 1 task has no output\n"
        "\n"
        "map/repeat, task 4711, attempt 3, exit code 137: killed by SIGKILL (exit code 137)\n"
        "  | one\n"
        "  | two\n"
        "\n"
        "Mend this, then go on with only what is missing (if you mended the pipeline: --with-changes): "
        "gristmill resume 0000000000000001\n"
    )


def test_pipelines_show_has_units_and_bounds(capsys):
    assert main.call(["pipelines", "show", "strings"]) == 0
    out = capsys.readouterr().out
    assert "lines_per_task  integer  10000    1..1,000,000,000      lines that one task gets\n" in out
    assert (
        "STAGE  BRANCH   COMPUTE  VCPUS  MEMORY (MiB)  TIMEOUT (s/task)  ATTEMPTS  TOLERATES  CHILDREN  MERGE\n" in out
    )


def test_pipelines_show_has_all_that_a_pipeline_reads_and_does(tmp_path: Path, capsys):
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "pipeline.yaml").write_text(
        """
version: 1
name: shown
description: d
accepts: {suffixes: [.fq], max_bytes: 1GB}
inputs:
  reads: {records: fastq, pair: mates}
  mates: {}
  genome: {suffixes: [.fa], default: references/g.fa, description: a genome}
parameters:
  ks: {type: list, of: integer, description: d, default: [1, 2], max_items: 3}
  mode: {type: string, description: d, default: fast}
stages:
  - name: first
    split: {records: fastq, records_per_task: 9}
    branches: [{name: a, script: x, with: [genome]}, {name: b, script: x, tolerate: 1%, target_children: 2}]
  - name: second
    when: params.mode = slow
    input: a
    split: {records: parts}
    branches: [{name: c, script: x}]
  - name: third
    input: c
    in_step: [a]
    with: {all: [c, b]}
    split: {records: parts}
    branches: [{name: e, script: x}]
"""
    )
    assert main.call(["pipelines", "show", f"{tmp_path}/shown"]) == 0
    out = [line.split() for line in capsys.readouterr().out.splitlines()]
    for line in (
        "takes files named *.fq, of at most 1.0 GB; image cpu",
        "reads cut: fastq",
        "mates the mates must be given",
        "genome given whole .fa references/g.fa a genome",
        "ks list of integer 1,2 at most 3 items d",
        "first the dropped file fastq: 9 records",
        "second a parts params.mode = slow",
        "third c all=c or b, a in step parts",
        "first b cpu 1 1,024 3,600 3 1% <= 2 concat",
    ):
        assert line.split() in out


def test_validate_tells_every_fault_and_exits_4(tmp_path: Path, capsys):
    file = tmp_path / "odd" / "pipeline.yaml"
    file.parent.mkdir()
    file.write_text("version: 2\nname: odd\ndescription: odd\nstages: []\n")
    assert main.call(["pipelines", "validate", str(file)]) == ExitCode.REFUSED
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == 2
    assert all(line.startswith(f"error: {file}:") for line in printed)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nothing"], 2),
        (["run"], 2),
        (["runs", "--limit", "0"], 2),
        (["plan", "strings"], 2),
        (["--aws", "--local", "runs"], 2),
    ],
)
def test_wrong_usage_exits_2(words, code, capsys):
    assert main.call(words) == code
    assert "Error: " in capsys.readouterr().err


def test_the_help_tells_every_exit_code_and_so_do_the_docs(capsys):
    assert main.call(["--help"]) == 0
    text = capsys.readouterr().out.partition("Exit codes:")[2]
    assert {int(number) for number in re.findall(r"(?:^|;)\s*(\d+)\s", text)} == OURS
    docs = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
    assert {int(number) for number in re.findall(r"^\| (\d+) \|", docs, re.MULTILINE)} == OURS


def test_the_version_is_that_of_the_package(capsys):
    assert main.call(["--version"]) == 0
    assert capsys.readouterr().out == f"gristmill {gristmill.__version__}\n"
    assert gristmill.__version__ == importlib.metadata.version("gristmill")


def test_the_docs_name_every_command(capsys):
    main.call(["--help"])
    commands = re.findall(r"^  ([a-z]+)  ", capsys.readouterr().out.partition("Commands:")[2], re.MULTILINE)
    docs = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
    assert len(commands) > 10
    assert [name for name in commands if f"`{name}" not in docs] == []


def test_help_loads_no_aws_client_no_schema_and_no_server():
    code = "import sys, gristmill.cli.main as m; m.call(['--help']); print(*sys.modules, file=sys.stderr)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.split()
    assert "typer" in loaded
    assert {"boto3", "botocore", "pydantic", "yaml", "moto", "rich", "numpy"} & set(loaded) == set()


def test_parameters_are_pairs():
    assert pairs(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(Exception, match=r"NAME=VALUE|twice"):
            pairs(wrong)


@pytest.mark.parametrize(
    "group", [[], *([name] for name in ("pipelines", "references", "catalogue", "job", "local", "mail"))]
)
def test_the_list_of_commands_cuts_no_sentence(group, capsys):
    assert main.call([*group, "--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:")[2]
    assert listed.strip()
    assert "..." not in listed


def test_a_wrong_status_is_told_without_words_of_a_library(capsys):
    assert main.call(["runs", "--status", "wrong"]) == ExitCode.USAGE
    shown = capsys.readouterr().err
    assert "Invalid value for '--status': 'wrong' is not one of" in shown and "Value error" not in shown
