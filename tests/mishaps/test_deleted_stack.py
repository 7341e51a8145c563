"""A stack that is deleted while a run is under way: what commands tell of its runs, and that nothing goes on."""

import json
from pathlib import Path

import pytest

from gristmill.cli.main import call
from gristmill.errors import ExitCode
from tests.integration.conftest import deployed
from tests.integration.mill import Mill


@pytest.fixture
def leaving(mill: Mill, monkeypatch, tmp_path: Path) -> Mill:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))
    monkeypatch.setenv("GRISTMILL_STACK", "leaving")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return deployed(mill.endpoint, mill.data, "leaving")


def test_its_runs_are_told_from_what_they_left_and_none_goes_on(leaving: Mill, tmp_path: Path, capsys):
    done = leaving.drop("strings", "done.txt", b"a\nb\n")
    leaving.finish(done)
    cut_off = leaving.drop("brittle", "cut.txt", b"good\nBAD\n", gate=str(tmp_path / "gate"))
    leaving.execution(cut_off)
    leaving.client("cloudformation").delete_stack(StackName="leaving")

    def answer(*words: str, code: ExitCode = ExitCode.OK) -> str:
        capsys.readouterr()
        assert call(words) == code
        shown = capsys.readouterr()
        assert "The stack leaving is in DELETE_FAILED" in shown.err
        return shown.out

    runs = {load["run"]: load["status"] for load in json.loads(answer("runs", "--json"))}
    assert runs == {done: "SUCCEEDED", cut_off: "ABORTED"}
    assert "it ended with the stack, which was deleted while it was under way" in answer("status", cut_off)
    assert "Nothing of it lives any more" in answer("stop", cut_off)
    assert f"/{done}/repeat.txt" in answer("results", done)
    answer("logs", done, code=ExitCode.NOT_FOUND)  # they went with the jobs
    answer("jobs")
    answer("watch", done)
    answer("report", done)
    answer("resume", cut_off, code=ExitCode.UNREACHABLE)
