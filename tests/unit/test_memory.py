"""Memory of containers: texts and steps, what is refused, and when a step is taken."""

from pathlib import Path
from typing import Any

import pytest

from gristmill.enums import Compute, RecordFormat
from gristmill.errors import Refused
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.loading import parse
from gristmill.pipeline.stage import Split, Stage
from gristmill.runs.findings import BranchFinding
from gristmill.steps.check_output.causes import CauseClients, is_out_of_memory
from gristmill.steps.check_output.verdict import memory_notes
from gristmill.steps.split.claimant import RunLimits
from gristmill.steps.split.refusals import fit_faults
from tests.unit.walk import event, walk

WRONG = "must be an integer, 128 or more; or text such as `4GB`"
PIPELINE = """
version: 1
name: p
description: d
stages:
  - name: s
    split: {records: whole}
    branches: [{name: b, %s, memory: %s, attempts: 2}]
"""


def written(folder: Path, memory: str, job: str = 'run: "jobs:b"') -> Branch:
    (folder / "p").mkdir(exist_ok=True)
    (folder / "p" / "pipeline.yaml").write_text(PIPELINE % (job, memory))
    return parse(folder / "p" / "pipeline.yaml")[0].stages[0].branches[0]


@pytest.mark.parametrize(
    ("memory", "steps"),
    [
        ("1024", [1024]),
        ("4GB", [3815]),
        ("4GiB", [4096]),
        ("0.5 GiB", [512]),
        ("[4GB, 8GB]", [3815, 7630]),
        ("[256, 1GiB]", [256, 1024]),
        ("[2048]", [2048]),
    ],
)
def test_amounts_and_steps(tmp_path: Path, memory: str, steps: list[int]):
    branch = written(tmp_path, memory)
    assert branch.memories == steps
    assert Branch.model_validate_json(branch.model_dump_json()) == branch


@pytest.mark.parametrize(
    ("memory", "job", "fault"),
    [
        ("127", 'run: "jobs:b"', WRONG),
        ("100MB", 'run: "jobs:b"', WRONG),
        ("'1024'", 'run: "jobs:b"', WRONG),
        ("4 bushels", 'run: "jobs:b"', WRONG),
        ("true", 'run: "jobs:b"', WRONG),
        ("[]", 'run: "jobs:b"', WRONG),
        ("[8GB, 4GB]", 'run: "jobs:b"', "its steps must grow: each is for what has run out of the one before it"),
        ("[4GB, 4GB]", 'run: "jobs:b"', "its steps must grow"),
        ("[1GB, 2GB, 4GB]", 'run: "jobs:b"', "has 3 steps, and attempts is 2: the last is never reached"),
        ("[1GB, 2GB]", 'mpi: "jobs:b"', "the nodes of an MPI job have one amount"),
    ],
)
def test_what_memory_cannot_be_is_refused(tmp_path: Path, memory: str, job: str, fault: str):
    with pytest.raises(Refused) as refused:
        written(tmp_path, memory, job)
    assert fault in str(refused.value)


def test_a_step_that_fits_no_host_is_refused_where_that_is_known(store, claimant, monkeypatch):
    drop = event(store, "inputs/hungry/x.txt", b"0\n")
    limits = RunLimits(max_memory=1000)
    answer = walk(store, claimant.__class__(**{**vars(claimant), "limits": limits}), monkeypatch, drop)
    assert answer["verdict"] == "INVALID"
    assert (
        "branch eaten: 1,024 MiB of memory fits no host of this stack, of which the largest has 1,000 MiB"
        in (answer["reason"])
    )


def test_what_is_not_known_is_not_refused():
    stage = Stage(
        name="s",
        split=Split(records=RecordFormat.WHOLE),
        branches=[Branch(name="b", run="jobs:b", memory=2**20, vcpus=8)],
    )
    pipeline = _pipeline(stage)
    for limits in ({}, {"max_memory": 2**20}, {"max_vcpus": {Compute.CPU: 8}}, {"max_vcpus": {Compute.GPU: 1}}):
        assert fit_faults(pipeline, RunLimits(**limits)) == []
    assert len(fit_faults(pipeline, RunLimits(max_memory=2**20 - 1))) == 1
    assert fit_faults(pipeline, RunLimits(max_vcpus={Compute.CPU: 7.0})) == [
        "branch b: 8 vCPUs are more than this stack has at once, 7; ask for less, or deploy with more"
    ]


def _pipeline(stage: Stage) -> Any:
    from gristmill.pipeline.model import Pipeline

    return Pipeline(version=1, name="p", description="d", stages=[stage])


def finding(memory: int) -> BranchFinding:
    counts = dict.fromkeys(("records_in", "records_out", "bytes_in", "bytes_out"), 0)
    return BranchFinding(
        branch="b", tasks=2, done=1, output=None, failures=[], missing=1, problem=None, memory=memory,
        out_of_memory=True, **counts,
    )  # fmt: skip


def test_what_ran_out_is_told_with_what_it_gets_next():
    made = Branch(name="b", run="jobs:b", memory=[1024, 2048])
    stage = Stage(name="s", split=Split(records=RecordFormat.WHOLE), branches=[made])
    assert memory_notes(stage, [finding(1024)]) == [
        "b ran out of memory with 1,024 MiB: what is missing gets 2,048 MiB"
    ]
    assert memory_notes(stage, [finding(2048)]) == ["b ran out of memory with 2,048 MiB: that is the last step of it"]


class Batch:
    """A Batch with one failed job, whose last try has a reason."""

    def __init__(self, *reasons: str) -> None:
        attempts = [{"container": {"reason": reason} if reason else {}} for reason in reasons]
        self._job = {"jobName": "", "jobId": "j", "status": "FAILED", "attempts": attempts}

    def get_paginator(self, _name: str) -> "Batch":
        return self

    def paginate(self, **_which: Any) -> list[dict[str, Any]]:
        return [{"jobSummaryList": [self._job]}]

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        return {"jobs": [self._job]}


@pytest.mark.parametrize(
    ("reasons", "is_out"),
    [
        (["OutOfMemoryError: Container killed due to memory usage"], True),
        (["", "OutOfMemoryError: Container killed due to memory usage"], True),
        ([""], False),
        (["CannotPullContainerError: OutOfMemoryError"], False),
        (["Host EC2 (instance i-1) terminated."], False),
        ([], False),
    ],
)
def test_only_batchs_own_word_is_the_limit(monkeypatch, reasons: list[str], is_out: bool):
    from gristmill import keys
    from gristmill.runs.cursor import Cursor

    batch, place = Batch(*reasons), keys.BranchKeys("0" * 16, "s", "b", "f" * 16)
    batch._job["jobName"] = place.job_name(0, 0)
    assert is_out_of_memory(CauseClients(batch, None, ["queue"], "jobs"), Cursor("0" * 16, "s", 0), place) is is_out
