"""What the embedded AWS keeps on disk is for its user alone, while it works and afterwards."""

from pathlib import Path

from embedded_aws.lifecycle.state import STATE_FILE
from tests.integration.mill import Mill


def open_to_others(folder: Path) -> list[str]:
    """Return what other users could get at, folders that end meanwhile left out."""
    found = []
    for path in (folder, *folder.rglob("*")):
        try:
            wide = path.lstat().st_mode & 0o077
        except FileNotFoundError:
            continue
        if wide and folder / "pipelines" not in (path, *path.parents):  # those are the tests' own
            found.append(f"{path}: {wide:o}")
    return found


def test_state_mails_logs_code_and_scratch_folders_are_closed(mill: Mill, tmp_path: Path):
    marks = tmp_path / "marks"
    marks.mkdir()
    run = mill.drop("gated", "closed.txt", b"WAIT\n", marks=str(marks))
    mill._until(lambda: any(marks.iterdir()), 30, "nothing runs")
    there = {path.name for path in mill.data.iterdir()}
    assert {STATE_FILE, "functions", "jobs", "tmp", "server.log"} <= there
    assert list((mill.data / "jobs").iterdir())
    assert open_to_others(mill.data) == []
    mill.client("stepfunctions").stop_execution(executionArn=mill.execution(run))
    mill.mail(run, "ABORTED")
    assert open_to_others(mill.data) == []
