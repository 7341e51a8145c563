"""Whatever ends a node before its time, the others hear of it with its reason, and nobody takes it for a good end."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gristmill.enums import NodeMessage
from gristmill.worker.node import __main__ as node
from gristmill.worker.node import main_node, other_node
from gristmill.worker.node.board import Board
from gristmill.worker.node.setting import read_setting
from gristmill.worker.node.verdict import WELL, Verdict
from tests.unit.test_node_others import PLACE, SHORT, Memory

DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")


@pytest.fixture(autouse=True)
def mpirun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open MPI need not be installed."""
    monkeypatch.setattr(node, "find_mpirun", lambda: Path("mpirun"))


@pytest.fixture
def memory() -> Memory:
    return Memory()


class Work:
    """A program that is well, and whose files cannot be fetched, or its output not be kept."""

    command = ("true",)
    environment: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, stage: Exception | None = None, commit: Exception | None = None) -> None:
        self.reasons: list[str] = []
        self._stage, self._commit = stage, commit

    def stage(self) -> None:
        if self._stage:
            raise self._stage

    def commit(self) -> None:
        if self._commit:
            raise self._commit

    def note_failure(self, verdict: Verdict, _detail: str) -> None:
        self.reasons.append(verdict.reason)

    def leave_footprint(self) -> None:
        pass


def run(memory: Memory, work: Work, folder: Path, index: int, begin: Callable[..., int]) -> None:
    environment = {"BUCKET": "mill", "AWS_BATCH_JOB_ID": "job", "AWS_BATCH_JOB_NUM_NODES": "2"}
    setting = read_setting([*SHORT, "--", "true"], {**environment, "AWS_BATCH_JOB_NODE_INDEX": str(index)})
    begin(setting, Board(memory, PLACE, 0.3, time.sleep), work, folder, time.sleep)


def message(memory: Memory, key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(memory.objects[key])
    return found


@pytest.mark.parametrize(
    ("error", "reason"),
    [(DENIED, "AWS answered AccessDenied to PutObject: no"), (OSError(28, "full"), "the disk is full")],
)
def test_an_output_that_cannot_be_kept_is_no_good_end(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    monkeypatch.setattr(main_node.MainNode, "run", lambda *_: Verdict(0, WELL))
    work = Work(commit=error)
    with pytest.raises(type(error)):
        run(memory, work, tmp_path, 0, node._main_node)
    outcome = message(memory, PLACE.key(NodeMessage.OUTCOME))
    assert outcome["exit_code"] == 1
    assert outcome["reason"].startswith(reason)
    assert work.reasons == [outcome["reason"]]


def test_a_node_that_cannot_fetch_its_files_says_so_at_once(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_node.OtherNode, "_outcome", lambda _: {"exit_code": 75, "reason": "seen"})
    run(memory, Work(stage=DENIED), tmp_path, 1, node._other_node)
    registered = message(memory, PLACE.of(NodeMessage.NODE, 1))
    assert registered["error"] == "AWS answered AccessDenied to PutObject: no"


def test_a_node_that_breaks_is_lost_with_its_reason(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise FileNotFoundError(2, "No such file or directory", "ranks")

    monkeypatch.setattr(other_node.OtherNode, "run", broken)
    with pytest.raises(FileNotFoundError):
        run(memory, Work(), tmp_path, 1, node._other_node)
    assert "No such file or directory: 'ranks'" in message(memory, PLACE.of(NodeMessage.LOST, 1))["reason"]
