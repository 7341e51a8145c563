"""Every command that a document shows works as it is written, in a fresh checkout with an embedded AWS of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents.blocks import blocks, documents, files
from tests.project import PROJECT

# `make` has made the environments already, and port 4566 may be somebody else's
PRELUDE = """set -euo pipefail
make() { echo "made already: $*"; }
gristmill() {
    if [ "${1-} ${2-}" = "local up" ]; then set -- local up --port 0 "${@:3}"; fi
    command gristmill "$@"
}
"""
RUN = {document: [block for block in blocks(document) if not block.elsewhere] for document in documents()}
SECONDS = 600


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """Return a copy of what is under version control, beside the environment; whatever runs in it is ended."""
    folder = tmp_path / "gristmill"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, folder / name)
    (folder / ".venv").symlink_to(PROJECT / ".venv")
    (folder / ".tools").symlink_to(PROJECT / ".tools")
    yield folder
    subprocess.run(["gristmill", "local", "down"], cwd=folder, env=environment(folder), check=False)


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GRISTMILL_"))}
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    path = f"{folder}/.venv/bin:{kept['PATH']}"
    return {**kept, "HOME": str(home), "PATH": path, "PYTHONPATH": str(folder), "SAM_CLI_TELEMETRY": "0"}


@pytest.mark.parametrize(
    "document", [item for item, found in RUN.items() if found], ids=lambda item: item.relative_to(PROJECT).as_posix()
)
def test_the_commands_of_a_document_work_one_after_another(document: Path, checkout: Path) -> None:
    for name, text in files(document):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(text)
    script = PRELUDE + "\n".join(item.commands for item in RUN[document])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=checkout,
        env=environment(checkout),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Traceback" not in done.stdout
    assert done.stdout.count("SUCCEEDED ") >= script.count("gristmill run "), done.stdout
