"""No command ends a process because a file says so: tried where only its own processes can be reached."""

import os
import subprocess
import sys

import pytest

from tests.project import PROJECT

APART = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs", "--inh-caps=-all"]


def apart() -> list[str]:
    """Return what runs a command in a pid namespace, without privileges; skips where there can be none."""
    words = [*APART, *NOBODY] if os.getuid() == 0 else [*APART, "--user", "--map-current-user"]
    try:
        ready = subprocess.run([*words, sys.executable, "-c", "import gristmill"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare and setpriv (Linux)")
    if ready.returncode:
        pytest.skip("needs root, or user namespaces, for a pid namespace of its own")
    return words


def test_a_planted_state_file_ends_no_process():
    command = [*apart(), sys.executable, "-m", "tests.integration.planted"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr
