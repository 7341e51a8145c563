"""Where an extra is not installed, one line says how to install it."""

import subprocess
import sys
from pathlib import Path


def run(lacking: str, *words: str, home: Path) -> "subprocess.CompletedProcess[str]":
    """Run `gristmill` in a Python that lacks a library."""
    program = f"import sys; sys.modules[{lacking!r}] = None; from gristmill.cli.entry import main; main()"
    command = [sys.executable, "-c", program, *words]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "GRISTMILL_HOME": str(home / "aws")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_command_line(tmp_path: Path) -> None:
    done = run("typer", "--version", home=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: the command line is not installed here. Run: pip install 'gristmill[cli,local]'\n"


def test_the_embedded_aws(tmp_path: Path) -> None:
    done = run("moto", "local", "up", "--port", "0", home=tmp_path)
    assert done.returncode == 5
    assert done.stderr == "error: the embedded AWS is not installed here. Run: pip install 'gristmill[local]'\n"
